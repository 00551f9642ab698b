"""What to compare and how: tables, plan, launch, tracking and reports. Nobody imports this package but tests."""
