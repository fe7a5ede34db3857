package chat

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chatets/appliance/actor"
	"chatets/appliance/fault"
)

const (
	maxFolders    = 200 // of one person in one workspace
	maxFolderName = 60  // characters
	maxTags       = 20  // of one conversation
	maxTag        = 40  // characters
)

// wanted says which conversations a list holds. Temporary ones are in none.
type wanted struct {
	title    string // only those whose title holds it
	folder   string // only those in this folder
	tag      string // only those with this tag
	named    string // only those in a folder whose name holds it
	pinned   *bool
	archived bool
	loose    bool // those in no folder and the pinned ones, the pinned ones first
}

// A shelving is what is to be changed about a conversation; nil stays as it is.
type shelving struct {
	title    *string
	pinned   *bool
	archived *bool
	folder   *string // "" takes it out of its folder
	tags     *[]string
	unread   *bool
}

// ChatFolder is a folder that a person keeps conversations in.
type ChatFolder struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Conversations int       `json:"conversations" doc:"In it, but for the archived ones"`
	CreatedAt     time.Time `json:"createdAt"`
}

// ChatTag is a tag that a person gave to conversations.
type ChatTag struct {
	Name          string `json:"name"`
	Conversations int    `json:"conversations"`
}

// change files, pins, renames or marks a conversation of the actor.
func (c *Chat) change(ctx context.Context, id string, s shelving) (Conversation, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return Conversation{}, err
	}
	if s == (shelving{}) {
		return Conversation{}, fault.New(fault.Invalid, "Nothing is to be changed.").Cure("Name a title, a folder, tags, or whether it is pinned, archived or unread.")
	}
	if s.title != nil {
		title := strings.Join(strings.Fields(*s.title), " ")
		if title == "" || utf8.RuneCountInString(title) > 200 || strings.ContainsRune(title, 0) {
			return Conversation{}, invalid("title", "A title has 1 to 200 characters.")
		}
		s.title = &title
	}
	if s.tags != nil {
		tags, err := tidyTags(*s.tags)
		if err != nil {
			return Conversation{}, err
		}
		s.tags = &tags
	}
	if err := c.Store.shelve(ctx, id, s); err != nil {
		if s.folder != nil && fault.Is(err, fault.Invalid) {
			return Conversation{}, err
		}
		return Conversation{}, c.refuse(ctx, err, "conversation.change", "conversation", id)
	}
	if s.title != nil {
		c.notify(a, id)
	} else {
		c.shelved(a, id)
	}
	return c.Store.conversation(ctx, id)
}

// shelved tells the pages of a person that their lists changed, while what was
// said is as before.
func (c *Chat) shelved(a actor.Actor, id string) {
	if c.Notify != nil {
		c.Notify(a.Workspace, a.ID, "shelf", id)
	}
}

func invalid(field, sentence string) error {
	return fault.New(fault.Invalid, "%s", sentence).With(fault.Detail{Field: "body." + field, Sentence: sentence})
}

// tidyTags are tags as they are kept: in small letters, each once, in order.
func tidyTags(given []string) ([]string, error) {
	var tags []string
	for _, t := range given {
		t = strings.ToLower(strings.Join(strings.Fields(t), " "))
		if !readable(t, maxTag) {
			return nil, invalid("tags", "A tag has 1 to 40 characters, none of them a quotation mark.")
		}
		tags = append(tags, t)
	}
	if tags = unique(tags); len(tags) > maxTags {
		return nil, invalid("tags", "A conversation has at most 20 tags.")
	}
	slices.Sort(tags)
	return tags, nil
}

// readable reports whether a name can stand in a list and in a search.
func readable(name string, most int) bool {
	return name != "" && utf8.RuneCountInString(name) <= most && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == '"' })
}

func folderName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if !readable(name, maxFolderName) {
		return "", invalid("name", "A folder's name has 1 to 60 characters, none of them a quotation mark.")
	}
	return name, nil
}

// folders are the actor's, by name.
func (c *Chat) folders(ctx context.Context) ([]ChatFolder, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, err
	}
	return c.Store.folders(ctx)
}

// addFolder makes a folder of the actor.
func (c *Chat) addFolder(ctx context.Context, name string) (ChatFolder, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return ChatFolder{}, err
	}
	name, err := folderName(name)
	if err != nil {
		return ChatFolder{}, err
	}
	f, err := c.Store.addFolder(ctx, newID(), name)
	if err == nil {
		c.shelved(a, f.ID)
	}
	return f, err
}

// renameFolder gives a folder of the actor another name.
func (c *Chat) renameFolder(ctx context.Context, id, name string) (ChatFolder, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return ChatFolder{}, err
	}
	name, err := folderName(name)
	if err != nil {
		return ChatFolder{}, err
	}
	f, err := c.Store.renameFolder(ctx, id, name)
	if err != nil {
		return f, c.refuse(ctx, err, "folder.change", "folder", id)
	}
	c.shelved(a, id)
	return f, nil
}

// removeFolder deletes a folder of the actor; what lay in it lies in none.
func (c *Chat) removeFolder(ctx context.Context, id string) error {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return err
	}
	if err := c.Store.removeFolder(ctx, id); err != nil {
		return c.refuse(ctx, err, "folder.delete", "folder", id)
	}
	c.shelved(a, id)
	return nil
}

// tags are the actor's, by name.
func (c *Chat) tags(ctx context.Context) ([]ChatTag, error) {
	a := actor.From(ctx)
	if err := a.Need(a.Converses()); err != nil {
		return nil, err
	}
	return c.Store.tags(ctx)
}
