"""Flow solvers: steppers of turbulence and waves, their closures, filters and statistics."""
