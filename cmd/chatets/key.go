package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// keySlot is one way to the keys, as the API tells it.
type keySlot struct {
	Slot  int       `json:"slot"`
	Kind  string    `json:"kind"`
	Where string    `json:"where"`
	Made  time.Time `json:"made"`
	InUse bool      `json:"inUse"`
}

// keyStatus is what the API tells of the keys.
type keyStatus struct {
	Installation string    `json:"installation"`
	Serial       uint64    `json:"serial"`
	Changed      time.Time `json:"changed"`
	Recovery     bool      `json:"recovery"`
	Slots        []keySlot `json:"slots"`
	Keys         []struct {
		Number  uint32     `json:"number"`
		Current bool       `json:"current"`
		Made    time.Time  `json:"made"`
		Retired *time.Time `json:"retired,omitempty"`
	} `json:"keys"`
	Progress *struct {
		Phase string `json:"phase"`
		Done  int    `json:"done"`
		All   int    `json:"all"`
	} `json:"progress,omitempty"`
	Failure  string     `json:"failure,omitempty"`
	OldUntil *time.Time `json:"oldUntil,omitempty"`
	Shreds   []shred    `json:"shreds"`
}

func newKey(o *options) *cobra.Command {
	g := group("key", "The keys that the data is sealed with", newKeyStatus(o), newKeyMake(o), newKeyAdd(o), newKeyRemove(o), newKeyRotate(o), newKeyRecovery(o), newKeyShred(o))
	g.PersistentFlags().BoolVar(&o.recoveryStdin, "recovery-key-stdin", false, "with the service stopped: open the keys with the recovery key, read from the first line of standard input")
	return g
}

func newKeyStatus(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the ways to the keys, the data keys and how far a rotation is", Args: exactly(0, "no argument"),
		Long: "Show the ways to the keys (slots), the data keys by number, how far a rotation or a shredding is.\nNo secret is shown.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				var st keyStatus
				if err := s.Call(cmd.Context(), "GET", "/api/keys", nil, &st); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(st)
				}
				return o.showKeys(st)
			})
		},
	}
}

func day(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func (o *options) showKeys(st keyStatus) error {
	o.say("Installation %s, keys.json changed %s.", st.Installation, day(st.Changed))
	o.say("")
	err := o.rows([]string{"slot", "kind", "where", "made", "inUse"}, func(row func(...any) error) error {
		for _, slot := range st.Slots {
			if err := row(slot.Slot, slot.Kind, slot.Where, day(slot.Made), slot.InUse); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.say("")
	for _, k := range st.Keys {
		switch {
		case k.Current:
			o.say("Data key %d is current, since %s.", k.Number, day(k.Made))
		case k.Retired != nil:
			o.say("Data key %d is old since %s; it is destroyed when nothing is left under it.", k.Number, day(*k.Retired))
		}
	}
	if st.Progress != nil {
		o.say("Sealing anew: %s, %d of %d.", st.Progress.Phase, st.Progress.Done, st.Progress.All)
	}
	if st.OldUntil != nil {
		o.say("Old keys stay until %s at least.", day(*st.OldUntil))
	}
	if st.Failure != "" {
		o.say("The work in the background failed: %s", st.Failure)
	}
	for _, sh := range st.Shreds {
		o.say("%s", sh.line())
		if len(sh.Carried) > 0 {
			o.say("  Archives that still hold it:")
			o.sayCarried(sh.Carried)
		}
	}
	if !st.Recovery {
		o.say("There is no recovery key: make one and keep it on paper, chatets key recovery new")
	}
	return nil
}

func newKeyRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "remove SLOT", Short: "Take a way to the keys away", Args: exactly(1, "the number of a slot"),
		Long: "Take a way to the keys away. The last one that opens without the recovery key cannot be removed.\nCopies of keys.json that were made before, in backups too, still open with it: rotate the keys\nwhere it fell into wrong hands.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.with(cmd, func(s *service) error {
				var slot keySlot
				if err := s.Call(cmd.Context(), "DELETE", "/api/operator/keys/"+url.PathEscape(args[0]), nil, &slot); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(slot)
				}
				o.say("Removed slot %d (%s %s).", slot.Slot, slot.Kind, slot.Where)
				return nil
			})
		},
	}
}

func newKeyRotate(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Make new keys; the data follows in the background", Args: exactly(0, "no argument"),
		Long: `Make a new master key, which wraps all data keys at once, and a new data key, with which
everything is sealed from now on. Key files get a new key where the service may write them.
What lies on the disk is sealed anew in the background while the service runs; it goes on
after a stop, and the old data key is destroyed when nothing is left under it.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				var r struct {
					Previous uint32   `json:"previous"`
					Current  uint32   `json:"current"`
					Renewed  []string `json:"renewed"`
					Kept     []string `json:"kept"`
				}
				if err := s.Call(cmd.Context(), "POST", "/api/operator/keys/rotate", nil, &r); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(r)
				}
				o.say("Data key %d is current now; what lies under older ones is sealed anew in the background (chatets key status).", r.Current)
				for _, file := range r.Renewed {
					o.say("%s holds a new key: keep a new copy of it apart from this machine.", file)
				}
				for _, file := range r.Kept {
					o.say("%s could not be written by the service and still holds the old key. To replace it: chatets key add file NEW, then chatets key remove its slot.", file)
				}
				return nil
			})
		},
	}
}

func newKeyRecovery(o *options) *cobra.Command {
	var drawn bool
	make := &cobra.Command{
		Use: "new", Short: "Make a recovery key and revoke the one before", Args: exactly(0, "no argument"),
		Long: `Make a recovery key and revoke the one before. It is printed once, alone on the last line of
standard output, and kept nowhere: write it down and keep it apart from this machine. It opens
the data when every other way to the keys is lost, and the backups written while it is in force;
older backups open with the recovery key of their time only.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.with(cmd, func(s *service) error {
				var r struct {
					Key  string   `json:"key"`
					Slot int      `json:"slot"`
					QR   []string `json:"qr"`
				}
				if err := s.Call(cmd.Context(), "POST", "/api/keys/recovery", nil, &r); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(r)
				}
				if _, person := columns(o.out); person {
					o.say("This is the recovery key. It is shown this once: write it down and keep it apart from this machine.")
				}
				if drawn {
					fmt.Fprint(o.out, blocks(r.QR))
				}
				fmt.Fprintln(o.out, r.Key)
				return nil
			})
		},
	}
	make.Flags().BoolVar(&drawn, "qr", false, "draw it as a QR code too")
	test := &cobra.Command{
		Use: "test", Short: "Say whether a recovery key is the one in force", Args: exactly(0, "no argument; the key is read from standard input"),
		Long:    "Say whether a recovery key is the one in force. It is asked for on the terminal, or read from\nthe first line of standard input.",
		Example: "  chatets key recovery test < paper.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := o.secretLine(cmd.Context(), "Recovery key")
			if err != nil {
				return err
			}
			return o.with(cmd, func(s *service) error {
				if err := s.Call(cmd.Context(), "POST", "/api/keys/recovery/test", map[string]string{"key": key}, nil); err != nil {
					return err
				}
				if o.json {
					return o.printJSON(map[string]bool{"inForce": true})
				}
				o.say("This is the recovery key in force.")
				return nil
			})
		},
	}
	return group("recovery", "The recovery key", make, test)
}

// secretLine reads a secret from the terminal without showing it, or the first
// line of standard input.
func (o *options) secretLine(ctx context.Context, prompt string) (string, error) {
	if _, person := columns(o.in); person {
		return o.hidden(ctx, prompt)
	}
	line, err := firstLine(o.in)
	if err == nil && strings.TrimSpace(line) == "" {
		err = wrongUse("give it on the first line", "standard input holds no %s", strings.ToLower(prompt))
	}
	return line, err
}

// blocks draws a QR code with half blocks, two rows a line, light on dark.
func blocks(rows []string) string {
	var b strings.Builder
	light := func(y, x int) bool { return y >= len(rows) || rows[y][x] == '0' }
	for y := 0; y < len(rows); y += 2 {
		for x := range rows[y] {
			b.WriteRune([]rune(" ▄▀█")[bit(light(y, x))<<1|bit(light(y+1, x))])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}
