"""What does a store do whose backup was put back, when its stream holds more than it does?"""
