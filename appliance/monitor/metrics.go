package monitor

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const prefix = "chatets_"

// metrics has a registry of its own: nothing that a library registers by itself
// gets out.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	phases   *prometheus.HistogramVec
	runs     *prometheus.CounterVec
}

func newMetrics(m *Monitor) *metrics {
	x := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + "http_request_duration_seconds",
			Help: "Time to answer a request; streams until they began.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}},
			[]string{"route", "method", "status"}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + "run_phase_duration_seconds",
			Help: "Time a run spent in a phase; the phase run is the whole.", Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}},
			[]string{"phase"}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "runs_total", Help: "Runs that ended, by outcome."}, []string{"outcome"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "info", Help: "The version that runs.", ConstLabels: prometheus.Labels{"version": m.Version}})
	info.Set(1)
	x.registry.MustRegister(x.requests, x.phases, x.runs, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &gauges{monitor: m})
	return x
}

func (x *metrics) observe(route, method string, status int, took time.Duration) {
	// What matched no route is the caller's invention, and so is its method.
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		method = "other"
	}
	x.requests.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

func (x *metrics) measure(phase, outcome string, took time.Duration) {
	x.phases.WithLabelValues(phase).Observe(took.Seconds())
	if phase == "run" {
		x.runs.WithLabelValues(outcome).Inc()
	}
}

// handler is the page of /metrics.
func (m *Monitor) handler() http.Handler {
	m.open()
	return promhttp.HandlerFor(m.metrics.registry, promhttp.HandlerOpts{DisableCompression: true, Timeout: 10 * time.Second})
}

// gauges reads the Gauges of a Monitor at each scrape. One that fails is left
// out and logged; the others are told.
type gauges struct{ monitor *Monitor }

// Describe sends nothing: which gauges there are is known at the scrape.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all := append(slices.Clone(g.monitor.Gauges), Gauge{Name: "alerts", Help: "What should be done something about now, by its name.", Label: "alert", Read: g.monitor.alerting})
	if g.monitor.Jobs != nil {
		all = append(all, Gauge{Name: "jobs", Help: "Jobs by state.", Label: "state", Read: g.monitor.jobStates})
	}
	for _, gauge := range all {
		values, err := gauge.Read(ctx)
		if err != nil {
			g.monitor.log().Warn("read a gauge", "gauge", gauge.Name, "error", err)
			continue
		}
		var labels []string
		if gauge.Label != "" {
			labels = []string{gauge.Label}
		}
		desc := prometheus.NewDesc(prefix+gauge.Name, gauge.Help, labels, nil)
		for label, value := range values {
			var of []string
			if gauge.Label != "" {
				of = []string{label}
			}
			metric, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, of...)
			if err != nil {
				g.monitor.log().Warn("read a gauge", "gauge", gauge.Name, "error", err)
				continue
			}
			out <- metric
		}
	}
}

func (m *Monitor) jobStates(ctx context.Context) (map[string]float64, error) {
	counts, err := m.Jobs.Counts(ctx)
	values := map[string]float64{}
	for state, n := range counts {
		values[string(state)] = float64(n)
	}
	return values, err
}
