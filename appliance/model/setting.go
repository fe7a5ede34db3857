package model

import (
	"chatets/appliance/fault"
	"chatets/appliance/setting"
)

// Who may use a model that was just found.
const (
	forEveryone = "everyone"
	forNobody   = "nobody"
)

// maxName is the longest name of a model, in characters.
const maxName = 200

// defaultModel is the setting of which model answers where nobody chose one.
func defaultModel(s *setting.Settings) *setting.Value[string] {
	return setting.Declare(s, setting.Key[string]{
		Name: "model.default",
		Help: "Which language model answers where nobody chose one; empty for the first by name.",
		Check: func(name string) error {
			if len(name) > maxName {
				return fault.New(fault.Invalid, "Give the name of a model.")
			}
			return nil
		},
	})
}

// accessOfNew is the setting of who may use a model that was just found.
func accessOfNew(s *setting.Settings) *setting.Value[string] {
	return setting.Declare(s, setting.Key[string]{
		Name: "model.newModels", Default: forEveryone,
		Help: "Who may use a model that was just found on a server: everyone or nobody.",
		Check: func(who string) error {
			if who != forEveryone && who != forNobody {
				return fault.New(fault.Invalid, "Give everyone or nobody.")
			}
			return nil
		},
	})
}
