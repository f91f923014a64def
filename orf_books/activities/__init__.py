"""What a recorded reading shows: which words were misread, by what evidence, and how fluently."""
