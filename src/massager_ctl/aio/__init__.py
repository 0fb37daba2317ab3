"""Building blocks for asyncio: clocks, simulated time, one scheduler, tasks that end reliably."""
