package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Limits of what groups may take: of memory, and of names that a sign-in walks.
const (
	maxGroups = 20_000
	maxWalked = 1000
)

// dirGroup is a group of the directory.
type dirGroup struct {
	dn, key, name string
	parents       []int // groups it is in
}

// graph is all groups of a directory and who is in them. Groups are numbered.
type graph struct {
	groups  []dirGroup
	byDN    map[string]int
	direct  map[string][]int // folded DN or login of a person -> groups, where groups say who is in them
	closure [][]int          // all groups that a group is in, itself too, found out once
}

// graphOf reads the groups of a directory.
func (t *talk) graphOf(ctx context.Context) (*graph, error) {
	g := &graph{byDN: map[string]int{}, direct: map[string][]int{}}
	var up [][]string // DNs of the groups that a group says it is in
	err := t.each(ctx, t.scheme.groupBase, t.scheme.groupFilter, t.scheme.groupAttributes(), func(e *ldap.Entry) error {
		if len(g.groups) >= maxGroups {
			return tooManyGroups()
		}
		n := len(g.groups)
		g.groups = append(g.groups, dirGroup{dn: e.DN, key: keyOf(e, t.scheme.key), name: e.GetEqualFoldAttributeValue(t.scheme.groupName)})
		g.byDN[foldDN(e.DN)] = n
		if t.scheme.member == "" {
			up = append(up, e.GetEqualFoldAttributeValues("memberOf"))
			return nil
		}
		for _, attribute := range []string{"member", "uniqueMember"} {
			for _, dn := range e.GetEqualFoldAttributeValues(attribute) {
				dn = foldDN(dn)
				g.direct[dn] = append(g.direct[dn], n)
			}
		}
		for _, login := range e.GetEqualFoldAttributeValues("memberUid") {
			login = foldLogin(login)
			g.direct[login] = append(g.direct[login], n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for n, list := range up {
		g.groups[n].parents = g.numbers(list)
	}
	if t.scheme.member != "" {
		for n := range g.groups {
			own := foldDN(g.groups[n].dn)
			g.groups[n].parents = g.direct[own]
			delete(g.direct, own)
		}
	}
	g.closure = make([][]int, len(g.groups))
	return g, nil
}

func (g *graph) numbers(dns []string) []int {
	var list []int
	for _, dn := range dns {
		if n, found := g.byDN[foldDN(dn)]; found {
			list = append(list, n)
		}
	}
	return list
}

// of are the numbers of all groups that a person is in, nested ones too, sorted.
func (g *graph) of(p entry) []int {
	direct := append(g.numbers(p.memberOf), g.direct[foldDN(p.dn)]...)
	for _, login := range p.logins {
		direct = append(direct, g.direct[login]...)
	}
	var all []int
	for _, n := range direct {
		all = append(all, g.above(n)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// above is a group and all that it is in. Groups that are in each other end the
// walk where it has been.
func (g *graph) above(n int) []int {
	if g.closure[n] != nil {
		return g.closure[n]
	}
	seen := map[int]bool{n: true}
	list := []int{n}
	for i := 0; i < len(list); i++ {
		for _, parent := range g.groups[list[i]].parents {
			if !seen[parent] {
				seen[parent] = true
				list = append(list, parent)
			}
		}
	}
	g.closure[n] = list
	return list
}

// names reports whether one of the numbered groups is called so: by DN or by
// common name.
func (g *graph) names(list []int, name string) bool {
	dn := foldDN(name)
	return slices.ContainsFunc(list, func(n int) bool {
		return strings.EqualFold(g.groups[n].name, name) || foldDN(g.groups[n].dn) == dn
	})
}

// walk reads the groups of one person, at a sign-in, as the graph of those alone.
func (t *talk) walk(p entry, note steps) (*graph, error) {
	g := &graph{byDN: map[string]int{}, direct: map[string][]int{}}
	add := func(e *ldap.Entry, below int) (int, bool) {
		own := foldDN(e.DN)
		n, known := g.byDN[own]
		if !known {
			n = len(g.groups)
			g.groups = append(g.groups, dirGroup{dn: e.DN, key: keyOf(e, t.scheme.key), name: e.GetEqualFoldAttributeValue(t.scheme.groupName)})
			g.byDN[own] = n
		}
		if below >= 0 {
			g.groups[below].parents = append(g.groups[below].parents, n)
		} else {
			g.direct[foldDN(p.dn)] = append(g.direct[foldDN(p.dn)], n)
		}
		return n, !known
	}
	attributes := []string{t.scheme.key, t.scheme.groupName}
	if t.scheme.member == "" {
		// The server follows the nesting itself, so all of them count as direct.
		filter := fmt.Sprintf("(&%s(member:%s:=%s))", t.scheme.groupFilter, inChain, ldap.EscapeFilter(p.dn))
		got, err := t.search(t.scheme.groupBase, ldap.ScopeWholeSubtree, maxWalked, filter, attributes)
		if err != nil {
			note.note("groups", filter, "", err)
			return nil, err
		}
		for _, e := range got.Entries {
			add(e, -1)
		}
		note.note("groups", filter, g.said(), nil)
		g.closure = make([][]int, len(g.groups))
		return g, nil
	}
	type step struct {
		filter string
		below  int
	}
	member := func(dn string) string {
		dn = ldap.EscapeFilter(dn)
		return "(member=" + dn + ")(uniqueMember=" + dn + ")"
	}
	own := member(p.dn)
	for _, login := range p.logins {
		own += "(memberUid=" + ldap.EscapeFilter(login) + ")"
	}
	todo := []step{{own, -1}}
	for i := 0; i < len(todo) && i < maxWalked; i++ {
		filter := "(&" + t.scheme.groupFilter + "(|" + todo[i].filter + "))"
		got, err := t.search(t.scheme.groupBase, ldap.ScopeWholeSubtree, maxWalked, filter, attributes)
		if err != nil {
			note.note("groups", filter, "", err)
			return nil, err
		}
		for _, e := range got.Entries {
			if n, fresh := add(e, todo[i].below); fresh {
				todo = append(todo, step{member(e.DN), n})
			}
		}
		if i == 0 {
			note.note("groups", filter, g.said(), nil)
		}
	}
	if len(g.groups) > len(g.direct[foldDN(p.dn)]) {
		note.note("groups", "the same for each of these groups, and for those they are in", g.said(), nil)
	}
	g.closure = make([][]int, len(g.groups))
	return g, nil
}

// said lists the groups for a page.
func (g *graph) said() string {
	if len(g.groups) == 0 {
		return "no group"
	}
	var list []string
	for _, group := range g.groups {
		list = append(list, group.name)
	}
	more := ""
	if len(list) > 20 {
		more = fmt.Sprintf(" and %d more", len(list)-20)
		list = list[:20]
	}
	return fmt.Sprintf("%d: %s%s", len(g.groups), strings.Join(list, ", "), more)
}
