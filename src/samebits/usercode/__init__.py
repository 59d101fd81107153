"""The program's own code: whose file it is, how it is rewritten, which calls are watched, what they tell."""
