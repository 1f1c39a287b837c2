"""One study: its people, its exposures as they are coded, its models, and the jobs that questions make of them."""
