"""Does the stream still say what is recorded, and how does it come to say it again?"""
