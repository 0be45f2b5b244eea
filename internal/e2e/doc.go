// Package e2e holds tests of the whole edge as users run it: a real process,
// real stores, real HTTP, and kill -9.
package e2e
