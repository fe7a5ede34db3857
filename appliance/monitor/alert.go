package monitor

import (
	"context"
	"slices"
	"strings"
	"time"

	"chatets/appliance/fault"
)

// Alert is something an operator should do something about now.
type Alert struct {
	Name   string // a fixed word: backup-behind
	Object string // name of what it is about, "" = the whole appliance
	Grave  bool   // data is or may soon be lost; otherwise there is time
	Err    error  // says what and what to do
}

// Alarm finds the alerts of one room. One that fails is logged, and what it said
// before stays.
type Alarm func(ctx context.Context) ([]Alert, error)

// alarmEvery is how often the alarms are asked.
const alarmEvery = 10 * time.Second

// raised is an alert since its beginning.
type raised struct {
	Alert
	since time.Time
}

func (a Alert) key() string { return a.Name + "\x00" + a.Object }

// Run asks the alarms until ctx ends. An alert is logged when it begins and when
// it is over, and not in between.
func (m *Monitor) Run(ctx context.Context) error {
	tick := time.NewTicker(alarmEvery)
	defer tick.Stop()
	for {
		m.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look asks all alarms once.
func (m *Monitor) look(ctx context.Context) []raised {
	m.alarming.Lock()
	defer m.alarming.Unlock()
	now := map[string]raised{}
	for i, alarm := range m.Alarms {
		found, err := alarm(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return m.listed()
			}
			m.log().Warn("an alarm cannot be asked", "error", err)
			found = m.before[i]
		}
		if m.before == nil {
			m.before = map[int][]Alert{}
		}
		m.before[i] = found
		for _, a := range found {
			r, known := m.raised[a.key()]
			if !known {
				r.since = m.Now().UTC()
				f := fault.Of(a.Err)
				level := m.log().Warn
				if a.Grave {
					level = m.log().Error
				}
				level("alert: "+f.Sentence, "alert", a.Name, "object", a.Object, "cure", f.Cure, "error", a.Err)
			}
			r.Alert = a
			now[a.key()] = r
		}
	}
	for key, r := range m.raised {
		if _, still := now[key]; !still {
			m.log().Info("the alert is over", "alert", r.Name, "object", r.Object, "since", r.since)
		}
	}
	m.raised = now
	return m.listed()
}

// listed are the alerts, the grave ones first.
func (m *Monitor) listed() []raised {
	list := make([]raised, 0, len(m.raised))
	for _, r := range m.raised {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b raised) int {
		if a.Grave != b.Grave {
			if a.Grave {
				return -1
			}
			return 1
		}
		return strings.Compare(a.key(), b.key())
	})
	return list
}

// alerting is how many alerts of each name there are, for the figures.
func (m *Monitor) alerting(context.Context) (map[string]float64, error) {
	m.alarming.Lock()
	defer m.alarming.Unlock()
	counts := map[string]float64{}
	for _, r := range m.raised {
		counts[r.Name]++
	}
	return counts, nil
}
