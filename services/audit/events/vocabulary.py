"""What do the fields of audit's events mean, in Vietnamese and English?"""

from chassis.wording import define

# a cut
define(
    cut=(
        "lát cắt: của mỗi dịch vụ, bao nhiêu sự kiện đầu tiên được tính đến",
        "the cut: of each service, how many of its first events are looked at",
    ),
    service=("tên dịch vụ", "name of the service"),
    position=("vị trí trong lịch sử của dịch vụ", "position in the history of the service"),
    recorded_by=(
        "thời điểm mà lát cắt gồm những gì đã được ghi đến lúc đó; trống khi cho sẵn vị trí",
        "the time by which everything in the cut was recorded; empty when positions were given",
    ),
)

# a replay and its filter
define(
    replay_id=("mã lần đọc lại", "id of the replay"),
    recorded_from=("chỉ sự kiện được ghi từ thời điểm này; trống khi không lọc", "only what was recorded from this time on"),
    recorded_before=("chỉ sự kiện được ghi trước thời điểm này; trống khi không lọc", "only what was recorded before this time"),
    effective_from=("chỉ sự kiện có hiệu lực từ ngày này; trống khi không lọc", "only what was true from this day on"),
    effective_to=(
        "chỉ sự kiện có hiệu lực đến hết ngày này; trống khi không lọc",
        "only what was true until this day, itself too",
    ),
    branch=("chỉ sự kiện của nhánh này; trống khi không lọc", "only what was told in this branch; empty for all"),
    of_unit=(
        "chỉ sự kiện của đơn vị này và các đơn vị trực thuộc; trống khi không lọc",
        "only what stands at this unit or below it; empty for all",
    ),
    services=("chỉ sự kiện của các dịch vụ này; trống khi không lọc", "only what these services recorded; empty for all"),
    topics=("chỉ các loại sự kiện này; trống khi không lọc", "only events of these types; empty for all"),
    of_command=("chỉ sự kiện của lệnh này; trống khi không lọc", "only what this command brought about; empty for all"),
    actor=("chỉ sự kiện do người này thực hiện; trống khi không lọc", "only what this one did; empty for all"),
    correlation=("chỉ sự kiện thuộc chuỗi lệnh này; trống khi không lọc", "only what belongs to this chain; empty for all"),
)
