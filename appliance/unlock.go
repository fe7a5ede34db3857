package appliance

import "chatets/appliance/secret"

// KeyCredential is the name of the systemd credential that a new installation
// seals its keys with, where the unit loads one.
const KeyCredential = secret.CredentialName

// HasKeys reports whether a data directory holds keys already; without any, the
// next start makes them.
func HasKeys(dir string) bool { return secret.Has(dir) }

// NeedsPassphrase reports whether a start of a data directory has to ask a person.
func NeedsPassphrase(dir string) bool { return secret.Needs(dir) }

// MakeKeyFile makes a key file that a group may read, where there is none yet;
// gid -1 leaves the group. It is for an operator who may write where the service
// may not.
func MakeKeyFile(file string, gid int) (made bool, err error) { return secret.MakeFile(file, gid) }
