"""What tests/run is made of: tasks with a time limit, readers that count what they said, stages."""
