"""What pytest uses: suites of cases, their bodies, gates and health."""
