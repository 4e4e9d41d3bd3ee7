"""How is a read model built again beside itself, and why do rows of the two generations differ?"""
