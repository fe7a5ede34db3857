package model

import (
	"fmt"
	"slices"
	"strings"

	"chatets/appliance/inference"
)

// shortContext is below which a model has hardly room for passages.
const shortContext = 4096

// onServer is a model with its place on one server.
type onServer struct {
	model Model
	place Place
}

// on are the models of a server that it still has.
func on(server string, list []Model) []onServer {
	var all []onServer
	for _, one := range list {
		for _, p := range one.Places {
			if p.Server == server && p.Gone.IsZero() {
				all = append(all, onServer{one, p})
			}
		}
	}
	return all
}

// warnings are what an administrator should know of a server that works.
func warnings(s Server, here []onServer) []string {
	list := []string{}
	if strings.HasPrefix(s.URL, "http://") && !onLoopback(s.URL) {
		list = append(list, "What is asked and answered crosses the network unencrypted, because the address begins with http:// and leads to another machine.")
	}
	if s.Flavour == "lmstudio" {
		chats := slices.ContainsFunc(here, func(o onServer) bool { return !o.place.Embedding })
		embeds := slices.ContainsFunc(here, func(o onServer) bool { return o.place.Embedding })
		if chats && embeds {
			list = append(list, "LM Studio keeps one model at a time that it loads on demand: a model that chats and one that makes vectors put each other out. Load both here, once, and they stay.")
		}
	}
	for _, o := range here {
		if o.place.Embedding || !o.model.Enabled {
			continue
		}
		size := o.model.tokens()
		switch {
		case s.Kind == inference.Ollama && o.place.Loaded && o.place.LoadedContext > 0 && o.place.LoadedContext != size:
			list = append(list, fmt.Sprintf("%s is in memory with a context of %d tokens and is used with %d: the next answer loads it again, and so does each program that asks for another length.",
				o.model.Name, o.place.LoadedContext, size))
		case size > 0 && size < shortContext:
			list = append(list, fmt.Sprintf("%s has a context of %d tokens only, which leaves little room for passages.", o.model.Name, size))
		}
	}
	return list
}
