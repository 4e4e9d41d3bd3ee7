"""Which bodies have a civil servants' union? A province's agencies, and the central agencies, as they were in 2024."""

PROVINCIAL = (
    *("Văn phòng Tỉnh uỷ", "Ban Tổ chức Tỉnh uỷ", "Ban Tuyên giáo Tỉnh uỷ", "Ban Dân vận Tỉnh uỷ", "Ban Nội chính Tỉnh uỷ"),
    *("Cơ quan Uỷ ban Kiểm tra Tỉnh uỷ", "Đảng uỷ Khối các cơ quan tỉnh", "Văn phòng Uỷ ban nhân dân tỉnh"),
    *("Văn phòng Đoàn đại biểu Quốc hội và Hội đồng nhân dân tỉnh", "Cơ quan Uỷ ban Mặt trận Tổ quốc tỉnh"),
    *("Cơ quan Hội Nông dân tỉnh", "Cơ quan Hội Liên hiệp Phụ nữ tỉnh", "Cơ quan Hội Cựu chiến binh tỉnh", "Tỉnh đoàn"),
    *("Cơ quan Liên đoàn Lao động tỉnh", "Sở Nội vụ", "Sở Tài chính", "Sở Kế hoạch và Đầu tư", "Sở Tư pháp"),
    *("Sở Công Thương", "Sở Xây dựng", "Sở Giao thông vận tải", "Sở Tài nguyên và Môi trường", "Sở Khoa học và Công nghệ"),
    *("Sở Thông tin và Truyền thông", "Sở Văn hoá, Thể thao và Du lịch", "Sở Lao động - Thương binh và Xã hội"),
    *("Sở Nông nghiệp và Phát triển nông thôn", "Sở Ngoại vụ", "Cơ quan Sở Y tế", "Cơ quan Sở Giáo dục và Đào tạo"),
    *("Thanh tra tỉnh", "Toà án nhân dân tỉnh", "Viện Kiểm sát nhân dân tỉnh", "Cục Thi hành án dân sự tỉnh"),
    *("Kho bạc Nhà nước tỉnh", "Cục Thuế tỉnh", "Cục Hải quan tỉnh", "Cục Quản lý thị trường tỉnh"),
    *("Bảo hiểm xã hội tỉnh", "Ngân hàng Nhà nước chi nhánh tỉnh"),
    *("Ngân hàng Chính sách xã hội tỉnh", "Ban Quản lý các khu công nghiệp", "Trường Chính trị tỉnh", "Báo tỉnh"),
    *("Đài Phát thanh và Truyền hình tỉnh", "Liên minh Hợp tác xã tỉnh", "Hội Chữ thập đỏ tỉnh", "Hội Văn học Nghệ thuật tỉnh"),
    *("Hội Nhà báo tỉnh", "Liên hiệp các Hội Khoa học và Kỹ thuật tỉnh", "Hội Luật gia tỉnh", "Hội Người cao tuổi tỉnh"),
    *("Chi cục Kiểm lâm", "Chi cục Thuỷ lợi", "Chi cục Chăn nuôi và Thú y", "Chi cục Trồng trọt và Bảo vệ thực vật"),
    *("Chi cục Quản lý chất lượng nông lâm sản", "Chi cục Bảo vệ môi trường", "Chi cục Tiêu chuẩn Đo lường Chất lượng"),
    *("Chi cục An toàn vệ sinh thực phẩm", "Chi cục Dân số", "Chi cục Văn thư - Lưu trữ", "Trung tâm Khuyến nông"),
    *("Trung tâm Khuyến công", "Trung tâm Xúc tiến đầu tư", "Trung tâm Dịch vụ việc làm", "Trung tâm Trợ giúp pháp lý nhà nước"),
    *("Trung tâm Công nghệ thông tin và Truyền thông", "Trung tâm Phát triển quỹ đất", "Văn phòng Đăng ký đất đai"),
    *("Bảo tàng tỉnh", "Thư viện tỉnh", "Nhà hát Nghệ thuật tỉnh", "Ban Quản lý dự án đầu tư xây dựng tỉnh"),
)  # fmt: skip
"""A grassroots union each."""

CENTRAL = (
    ("van-phong-trung-uong-dang", "Văn phòng Trung ương Đảng"),
    ("van-phong-quoc-hoi", "Văn phòng Quốc hội"),
    ("van-phong-chinh-phu", "Văn phòng Chính phủ"),
    ("bo-noi-vu", "Bộ Nội vụ"),
    ("bo-tai-chinh", "Bộ Tài chính"),
    ("bo-tu-phap", "Bộ Tư pháp"),
    ("bo-ngoai-giao", "Bộ Ngoại giao"),
    ("bo-ke-hoach-va-dau-tu", "Bộ Kế hoạch và Đầu tư"),
    ("bo-khoa-hoc-va-cong-nghe", "Bộ Khoa học và Công nghệ"),
    ("bo-tai-nguyen-va-moi-truong", "Bộ Tài nguyên và Môi trường"),
    ("thanh-tra-chinh-phu", "Thanh tra Chính phủ"),
    ("uy-ban-dan-toc", "Uỷ ban Dân tộc"),
    ("toa-an-nhan-dan-toi-cao", "Toà án nhân dân tối cao"),
    ("kiem-toan-nha-nuoc", "Kiểm toán Nhà nước"),
)
"""Code and name of central agencies whose union stands under the federation itself."""

CENTRAL_PARTS = ("Cơ quan Văn phòng", "Vụ Tổ chức cán bộ", "Cục Công nghệ thông tin", "Viện Nghiên cứu", "Nhà xuất bản")
"""Parts of a central agency, a grassroots union each."""
