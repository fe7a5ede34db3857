package appliance

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chatets/appliance/fault"
	"chatets/appliance/monitor"
)

const (
	lowSpace  = 1 << 30   // bytes; below it somebody should free some
	fullSpace = 100 << 20 // bytes; below it writing fails soon
	lowFiles  = 10_000    // files that can still be made

	// jumped is by how much a clock goes back before somebody should know, and
	// jumpTold for how long they are told.
	jumped   = 5 * time.Second
	jumpTold = time.Hour

	// checkedPages are read every checkEvery: 100 KB a second, a gigabyte in three
	// hours. A round begins a day after the one before at the earliest.
	checkedPages = 128
	checkEvery   = 5 * time.Second
	checkRound   = 24 * time.Hour
)

// watch is what the house notices of the machine it stands on.
type watch struct {
	mu      sync.Mutex
	begun   time.Time // with the monotonic clock
	gone    time.Duration
	jump    time.Duration // how far the clock was set back
	jumpAt  time.Time
	damage  error // of a page of the database
	checked time.Time
}

// alarms are asked for what somebody should do something about.
func (a *Appliance) alarms() []monitor.Alarm {
	return []monitor.Alarm{
		func(ctx context.Context) ([]monitor.Alert, error) {
			found, err := a.backups.Alarms(ctx)
			var all []monitor.Alert
			for _, f := range found {
				all = append(all, monitor.Alert{Name: f.Name, Object: f.Target, Grave: f.Grave, Err: f.Err})
			}
			return all, err
		},
		func(context.Context) ([]monitor.Alert, error) { return a.diskAlerts(), nil },
		func(context.Context) ([]monitor.Alert, error) { return a.machineAlerts(), nil },
	}
}

// diskAlerts are those of the file system of the data.
func (a *Appliance) diskAlerts() (all []monitor.Alert) {
	alert := func(name string, grave bool, err error) {
		all = append(all, monitor.Alert{Name: name, Grave: grave, Err: err})
	}
	if err := a.writable(); err != nil {
		alert("data-unwritable", true, err)
		return all
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(a.cfg.Data, &s); err == nil {
		free := int64(s.Bavail) * s.Bsize
		switch {
		case free < fullSpace:
			alert("disk-low", true, fault.New(fault.Full, "The disk of the data directory has %d MB left; writing is about to fail.", free>>20).Cure("Free space now."))
		case free < lowSpace:
			alert("disk-low", false, fault.New(fault.Full, "The disk of the data directory has %d MB left.", free>>20).Cure("Free space soon."))
		case s.Files > 0 && s.Ffree < lowFiles:
			alert("disk-low", false, fault.New(fault.Full, "The disk of the data directory has room for only %d more files.", s.Ffree).Cure("Remove files, or make a larger file system."))
		}
	}
	if !a.db.Stats().Reserve {
		alert("disk-reserve", true, fault.New(fault.Full, "The disk was full, and the space that was kept aside for that has been given up; there is no other.").
			Cure("Free space; with 64 MB or more free it is kept aside again within a minute of the next change."))
	}
	return all
}

// writable says why the data directory cannot be written; nil where it can, or is
// only full.
func (a *Appliance) writable() error {
	var s unix.Statfs_t
	err := unix.Statfs(a.cfg.Data, &s)
	if err == nil && s.Flags&unix.ST_RDONLY != 0 {
		err = syscall.EROFS
	}
	if err == nil {
		err = unix.Access(a.cfg.Data, unix.R_OK|unix.W_OK|unix.X_OK)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EROFS):
		return fault.New(fault.Unavailable, "The file system of the data directory is read-only; nothing can be saved, and reading goes on.").Code("data-unwritable").
			Cure("Look at the system's log (journalctl -k) for why it was made read-only, and mount it for writing again.").Because(err)
	case errors.Is(err, os.ErrNotExist):
		return fault.New(fault.Unavailable, "The data directory is not there any more.").Code("data-unwritable").Cure("Mount it again, or put it back, and restart the service.").Because(err)
	case errors.Is(err, os.ErrPermission):
		return fault.New(fault.Unavailable, "The service may not write to the data directory any more; nothing can be saved.").Code("data-unwritable").
			Cure("Give the directory back to the service's user: chown -R chatets: and chmod 700.").Because(err)
	}
	return nil
}

// machineAlerts are those of the clock and of the database's pages.
func (a *Appliance) machineAlerts() (all []monitor.Alert) {
	w := &a.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look(a.now())
	if w.jump > 0 && time.Since(w.jumpAt) < jumpTold {
		all = append(all, monitor.Alert{Name: "clock-back", Err: fault.New(fault.Conflict, "The clock of this machine was set back by %s; times of changes and of backups are not in order.", w.jump.Round(time.Second)).
			Cure("Have the clock kept by a time server (timedatectl).")})
	}
	if w.damage != nil {
		all = append(all, monitor.Alert{Name: "database-damaged", Grave: true, Err: w.damage})
	}
	return all
}

// startClock holds the clock against the newest act of the record: one that was
// set back while the machine was off shows there.
func (a *Appliance) startClock(ctx context.Context) error {
	var newest int64
	if err := a.db.Read().QueryRowContext(ctx, `SELECT coalesce((SELECT time FROM audit ORDER BY row DESC LIMIT 1), 0)`).Scan(&newest); err != nil {
		return err
	}
	if back := time.UnixMilli(newest).Sub(a.now()); back > time.Minute {
		a.watch.jump, a.watch.jumpAt = back, time.Now()
	}
	return nil
}

// look compares the clock with the time that has passed.
func (w *watch) look(now time.Time) {
	if w.begun.IsZero() {
		w.begun = time.Now()
		w.gone = now.Sub(w.begun.Round(0))
		return
	}
	// ahead is by how much the clock is before what it should say.
	ahead := now.Round(0).Sub(w.begun.Round(0).Add(time.Since(w.begun))) - w.gone
	if -ahead > jumped {
		w.jump, w.jumpAt = -ahead, time.Now()
	}
	w.gone += ahead
}

// checkPages reads the database, a little at a time, round after round.
func (a *Appliance) checkPages(ctx context.Context) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	page, begun := uint32(1), time.Now()
	var found error
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if page == 0 {
			if time.Since(begun) < checkRound {
				continue
			}
			page, begun, found = 1, time.Now(), nil
		}
		next, err := a.db.CheckSome(ctx, page, checkedPages)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && fault.Of(err).Code == "database-damaged" {
			found = err
		}
		a.watch.mu.Lock()
		switch {
		case found != nil:
			a.watch.damage = found
		case next == 0:
			a.watch.damage = nil
		}
		if next == 0 {
			a.watch.checked = time.Now()
		}
		a.watch.mu.Unlock()
		page = next
	}
}

// checkedAge is how many seconds ago the whole database had been read; that of
// the start before it was.
func (a *Appliance) checkedAge() float64 {
	a.watch.mu.Lock()
	defer a.watch.mu.Unlock()
	if a.watch.checked.IsZero() {
		return time.Since(a.started).Seconds()
	}
	return time.Since(a.watch.checked).Seconds()
}
