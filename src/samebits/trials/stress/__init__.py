"""What reaches a program's weights: the program run again and again, with one thing changed each time."""
