package metrics

import "sync"

// stages are the destinations that are told of stages of leads, whose names are a CRM's own:
// of each the names that the configuration has. Others are counted together.
var stages sync.Map // destination → *sync.Map of names

const otherStage = "other"

// Stages is [Conversions] for a destination that is told of stages of leads.
func Stages(destination string) func(eventName, outcome string, n int) {
	forGoogle.Delete(destination)
	stages.LoadOrStore(destination, new(sync.Map))
	count := counted(capiEvents, destination)
	return func(eventName, outcome string, n int) { count(label(destination, eventName), outcome, n) }
}

// StageName has a stage of a destination's be counted under its name, which is in the
// configuration.
func StageName(destination, name string) {
	if names, ok := stages.Load(destination); ok {
		names.(*sync.Map).Store(name, true)
	}
}

// label is the name under which a conversion is counted.
func label(destination, name string) string {
	names, ok := stages.Load(destination)
	if !ok || name == "" {
		return name
	}
	if _, ok := names.(*sync.Map).Load(name); !ok {
		return otherStage
	}
	return name
}
