package web

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items" doc:"The items of this page."`
	Next  string `json:"next" doc:"Cursor of the next page; empty on the last one."`
}
