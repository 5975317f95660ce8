"""Numbers to numbers: effects of paired runs with exact intervals, bootstraps, and how many seeds would
decide a claim. Nothing here knows what an optimizer is."""
