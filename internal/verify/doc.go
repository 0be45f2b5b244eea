// Package verify proves who posts: it compares secrets, makes and checks
// signatures. Nothing in it takes a time that tells of a secret, and no error
// holds one. Begin with [Secrets], [Key] and [Twilio].
//
// It is a leaf.
package verify
