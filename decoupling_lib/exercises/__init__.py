"""The exercises of the lessons: what is asked for, how an answer is judged, and what a notebook has answered so far."""
