"""Speed and quality of the fits, each beside a plain reference in the same run."""
