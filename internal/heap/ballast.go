package caddymodule

import "sync"

// ballast is memory that is never touched, and so never resident. An edge's live
// heap is about 10 MB, so that Go's collector would run each time that another
// 10 MB were allocated, up to forty times a second under load: 12 % of the CPU.
// With ballast it runs each time that another 26 MB were. GOGC and GOMEMLIMIT
// still say what they say; this only lifts the floor that GOGC is reckoned from.
var ballast = sync.OnceValue(func() []byte { return make([]byte, 16<<20) })
