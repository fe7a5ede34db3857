// Package sqlite is the database: one grouped writer, a pool of readers that
// cannot write, one migration sequence and the lock of the data directory.
//
// What a newcomer gets wrong: Update is shared. Its function may run in one
// transaction with those of other callers and may be run a second time, so it
// only writes rows; whatever else must happen goes into Tx.AfterCommit.
package sqlite
