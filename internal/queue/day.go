package queue

import "time"

// DayMS is a day in milliseconds, by which [Counter.Day] counts.
const DayMS = int64(24 * time.Hour / time.Millisecond)
