package chat

import (
	"context"
	"net/http"

	"chatets/appliance/web"
)

// shelfRoutes adds what keeps and finds conversations.
func (c *Chat) shelfRoutes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/messages/{id}/fork", ID: "forkConversation", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Status: http.StatusCreated,
		Summary: "Begin another conversation with what was said up to a message", Errors: []int{404, 409}}, c.postFork)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/messages/{id}", ID: "deleteMessage", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Delete a message with all that follows it", Errors: []int{404, 409}}, c.deleteMessage)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/search/conversations", ID: "searchConversations", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Find your conversations by the words of titles and messages", Errors: []int{422}}, c.postFind)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/chat/folders", ID: "listChatFolders", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "List your folders of conversations"}, c.getFolders)
	web.Handle(api, web.Route{Method: http.MethodPost, Path: "/api/chat/folders", ID: "addChatFolder", Tag: tag, Access: web.SignedIn, Scope: web.Chat, Status: http.StatusCreated,
		Summary: "Make a folder for conversations", Errors: []int{409, 422}}, c.postFolder)
	web.Handle(api, web.Route{Method: http.MethodPatch, Path: "/api/chat/folders/{id}", ID: "renameChatFolder", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Give a folder of conversations another name", Errors: []int{404, 409, 422}}, c.patchFolder)
	web.Handle(api, web.Route{Method: http.MethodDelete, Path: "/api/chat/folders/{id}", ID: "deleteChatFolder", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "Delete a folder; its conversations stay", Errors: []int{404}}, c.deleteFolder)
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/chat/tags", ID: "listChatTags", Tag: tag, Access: web.SignedIn, Scope: web.Chat,
		Summary: "List the tags of your conversations"}, c.getTags)
}

type listIn struct {
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string `query:"cursor" maxLength:"200"`
	Q        string `query:"q" maxLength:"200" doc:"Only conversations whose title holds this"`
	Folder   string `query:"folder" maxLength:"64" doc:"Only those in this folder"`
	Tag      string `query:"tag" maxLength:"40" doc:"Only those with this tag"`
	Pinned   string `query:"pinned" enum:"true,false" doc:"Only the pinned ones, or only the others"`
	Archived bool   `query:"archived" doc:"The archived ones instead of the others"`
	Loose    bool   `query:"loose" doc:"The pinned ones first, then those that lie in no folder"`
}

type listOut struct{ Body web.Page[Conversation] }

func (c *Chat) list(ctx context.Context, in *listIn) (*listOut, error) {
	w := wanted{title: in.Q, folder: in.Folder, tag: in.Tag, archived: in.Archived, loose: in.Loose}
	if in.Pinned != "" {
		on := in.Pinned == "true"
		w.pinned = &on
	}
	items, next, err := c.conversations(ctx, w, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &listOut{Body: web.Page[Conversation]{Items: items, Next: next}}, nil
}

type patchIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Title    *string   `json:"title,omitempty" maxLength:"200"`
		Pinned   *bool     `json:"pinned,omitempty"`
		Archived *bool     `json:"archived,omitempty"`
		Folder   *string   `json:"folder,omitempty" maxLength:"64" doc:"A folder of chats; empty takes it out of the one it is in"`
		Tags     *[]string `json:"tags,omitempty" maxItems:"20" doc:"All its tags, in place of those it has"`
		Unread   *bool     `json:"unread,omitempty" doc:"Whether its last answer is still to be looked at"`
	}
}

type patchOut struct{ Body Conversation }

func (c *Chat) patch(ctx context.Context, in *patchIn) (*patchOut, error) {
	b := in.Body
	conversation, err := c.change(ctx, in.ID, shelving{title: b.Title, pinned: b.Pinned, archived: b.Archived, folder: b.Folder, tags: b.Tags, unread: b.Unread})
	if err != nil {
		return nil, err
	}
	return &patchOut{Body: conversation}, nil
}

func (c *Chat) postFork(ctx context.Context, in *messageIn) (*patchOut, error) {
	conversation, err := c.fork(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &patchOut{Body: conversation}, nil
}

func (c *Chat) deleteMessage(ctx context.Context, in *messageIn) (*struct{}, error) {
	return nil, c.cut(ctx, in.ID)
}

type findIn struct {
	Body struct {
		Query  string `json:"query" maxLength:"500" doc:"Words, and tag:NAME, folder:NAME, pinned: and archived:"`
		Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"50" default:"20"`
		Cursor string `json:"cursor,omitempty" maxLength:"200"`
	}
}

type findOut struct{ Body web.Page[FoundConversation] }

func (c *Chat) postFind(ctx context.Context, in *findIn) (*findOut, error) {
	limit := in.Body.Limit
	if limit == 0 {
		limit = 20
	}
	items, next, err := c.findConversations(ctx, in.Body.Query, in.Body.Cursor, limit)
	if err != nil {
		return nil, err
	}
	return &findOut{Body: web.Page[FoundConversation]{Items: items, Next: next}}, nil
}

type foldersOut struct {
	Body struct {
		Items []ChatFolder `json:"items"`
	}
}

func (c *Chat) getFolders(ctx context.Context, _ *struct{}) (*foldersOut, error) {
	items, err := c.folders(ctx)
	if err != nil {
		return nil, err
	}
	out := &foldersOut{}
	out.Body.Items = items
	return out, nil
}

type chatFolderBody struct {
	Name string `json:"name" maxLength:"100"`
}

type postFolderIn struct{ Body chatFolderBody }

type patchFolderIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body chatFolderBody
}

type folderOut struct{ Body ChatFolder }

func (c *Chat) postFolder(ctx context.Context, in *postFolderIn) (*folderOut, error) {
	f, err := c.addFolder(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &folderOut{Body: f}, nil
}

func (c *Chat) patchFolder(ctx context.Context, in *patchFolderIn) (*folderOut, error) {
	f, err := c.renameFolder(ctx, in.ID, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &folderOut{Body: f}, nil
}

func (c *Chat) deleteFolder(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, c.removeFolder(ctx, in.ID)
}

type tagsOut struct {
	Body struct {
		Items []ChatTag `json:"items"`
	}
}

func (c *Chat) getTags(ctx context.Context, _ *struct{}) (*tagsOut, error) {
	items, err := c.tags(ctx)
	if err != nil {
		return nil, err
	}
	out := &tagsOut{}
	out.Body.Items = items
	return out, nil
}
