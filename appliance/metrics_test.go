package appliance_test

import (
	"strings"
	"testing"
)

// TestMetricsCountTheHouse reads the figures of every room where Prometheus
// reads them, and wants no word of anybody in them.
func TestMetricsCountTheHouse(t *testing.T) {
	t.Parallel()
	house := start(t)
	owner := house.setUp(t)
	knowledge := owner.must(t, "POST", "/api/knowledge", `{"name":"Boiler house"}`, 201).id()
	owner.upload(t, knowledge, "valves.md", "# Valves\n\nThe safety valve opens at 12 bar.\n")
	owner.must(t, "POST", "/api/conversations", `{"message":"At which pressure does the safety valve open?"}`, 200)
	got := house.visitor().must(t, "GET", "/metrics", "", 200).body
	for _, want := range []string{
		`chatets_documents{state="ready"}`, "chatets_sessions ", "chatets_database_bytes ", "chatets_database_updates ", `chatets_runs_total{outcome="done"} 1`,
		`chatets_http_request_duration_seconds_count{method="POST",route="/api/conversations",status="2xx"} 1`, "chatets_jobs{", "go_goroutines ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("/metrics says nothing of %s", want)
		}
	}
	for _, secret := range []string{"Boiler", "valve", "owner@house.test", "Olga"} {
		if strings.Contains(got, secret) {
			t.Errorf("/metrics shows %q", secret)
		}
	}
}
