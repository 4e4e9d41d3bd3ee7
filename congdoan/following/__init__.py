"""How does whoever runs a province's system follow its branch, line by line?"""
