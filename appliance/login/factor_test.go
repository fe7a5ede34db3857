package login

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// code is what an app shows, so many steps from now.
func (h *house) code(t *testing.T, secret string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, h.clock.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrol sets an app up and returns its secret and the recovery codes.
func (v *visitor) enrol(t *testing.T) (secret string, recovery []string) {
	t.Helper()
	begun := v.must(t, "POST /api/factors/totp", "", 200, "otpauth://totp/ChatETS", "<svg")
	secret = begun.get("secret")
	v.must(t, "POST /api/factors/totp/confirm", object("code", "000000"), 422, "code")
	got := v.must(t, "POST /api/factors/totp/confirm", object("code", v.house.code(t, secret, 0)), 200)
	for _, c := range got.fields.(map[string]any)["recoveryCodes"].([]any) {
		recovery = append(recovery, c.(string))
	}
	if len(recovery) != recoveryCodes {
		t.Fatalf("%d recovery codes", len(recovery))
	}
	return secret, recovery
}

// first signs in with the password alone and returns the ticket.
func (v *visitor) first(t *testing.T) string {
	t.Helper()
	got := (&visitor{house: v.house, address: v.address}).must(t, "POST /api/auth/login", object("email", v.email, "password", good), 200, `"totp"`)
	if got.get("token") != "" || got.get("person", "id") != "" {
		t.Fatalf("the first step alone lets in or tells who it is: %s", got.body)
	}
	return got.get("second", "ticket")
}

func TestSecondStep(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	other := *mary
	other.signIn(t)
	secret, recovery := mary.enrol(t)
	other.must(t, "GET /api/session", "", 401) // other sessions end
	mary.must(t, "GET /api/session", "", 200)
	mary.must(t, "POST /api/factors/totp", "", 409, "factor-there")

	nobody := h.visitor()
	second := func(ticket, code string, status int, holds ...string) answer {
		t.Helper()
		return nobody.must(t, "POST /api/auth/second", object("ticket", ticket, "code", code), status, holds...)
	}
	// The code that set it up is used up; the next one is good once, a step early or late too.
	second(mary.first(t), h.code(t, secret, 0), 401, "wrong-code")
	second(mary.first(t), h.code(t, secret, 1), 200, `"token"`)
	second(mary.first(t), h.code(t, secret, 1), 401, "wrong-code")
	h.clock.forward(3 * time.Minute)
	second(mary.first(t), h.code(t, secret, -1), 200)
	second(mary.first(t), h.code(t, secret, -2), 401)
	second(mary.first(t), h.code(t, secret, 5), 401)
	second(mary.first(t), "", 401)
	second("made up", h.code(t, secret, 0), 401, "ticket-expired")
	ticket := mary.first(t)
	second(ticket, h.code(t, secret, 0), 200)
	second(ticket, recovery[0], 401, "ticket-expired") // a ticket is good once
	late := mary.first(t)
	h.clock.forward(ticketLife + time.Second)
	second(late, h.code(t, secret, 0), 401, "ticket-expired")
	// In one step, for scripts.
	nobody.must(t, "POST /api/auth/login", object("email", mary.email, "password", good, "code", h.code(t, secret, 0)), 200, `"token"`)
	nobody.must(t, "POST /api/auth/login", object("email", mary.email, "password", "wrong wrong wrong", "code", h.code(t, secret, 1)), 401, "wrong-credentials")

	// Recovery codes, each once, however they are written; another person's are nothing.
	second(mary.first(t), recovery[1], 200)
	second(mary.first(t), recovery[1], 401)
	second(mary.first(t), strings.ToLower(strings.ReplaceAll(recovery[2], "-", " ")), 200)
	if rows := h.record(t, "factor.recovery-used"); len(rows) != 2 {
		t.Errorf("recorded: %v", rows)
	}
	mary.must(t, "GET /api/factors", "", 200, `"totp":true`, `"recoveryCodes":8`)

	// A device that is trusted.
	h.clock.forward(time.Minute)
	trusted := nobody.must(t, "POST /api/auth/second", `{"trust":true,"ticket":"`+mary.first(t)+`","code":"`+h.code(t, secret, 0)+`"}`, 200).get("deviceToken")
	nobody.must(t, "POST /api/auth/login", object("email", mary.email, "password", good, "deviceToken", trusted), 200, `"token"`)
	paul := h.person(t, olga, "paul@house.test", "Paul", "")
	paul.enrol(t)
	nobody.must(t, "POST /api/auth/login", object("email", paul.email, "password", good, "deviceToken", trusted), 200, `"second"`)
	mary.must(t, "DELETE /api/factors/devices", "", 204)
	nobody.must(t, "POST /api/auth/login", object("email", mary.email, "password", good, "deviceToken", trusted), 200, `"second"`)

	// What is dangerous wants a fresh proof.
	h.clock.forward(freshFor + time.Minute)
	mary.must(t, "DELETE /api/factors/totp", "", 403, "prove-again")
	mary.must(t, "POST /api/auth/prove", object("password", good), 401)
	mary.must(t, "POST /api/auth/prove", object("code", h.code(t, secret, 0)), 204)
	fresh := mary.must(t, "POST /api/factors/recovery", "", 200)
	second(mary.first(t), recovery[3], 401)
	second(mary.first(t), fresh.get("recoveryCodes", "0"), 200)
	mary.must(t, "DELETE /api/factors/totp", "", 204)
	mary.signIn(t)

	// Guesses run into the throttle, and never lock the password out.
	guessed := false
	for range 30 {
		got := nobody.ask(t, "POST /api/auth/login", object("email", paul.email, "password", good, "code", "123456"))
		guessed = guessed || got.status == 429
	}
	if !guessed {
		t.Error("codes can be guessed without end")
	}
	h.clock.forward(time.Hour)
	paul.first(t)
	// A reset by an administrator.
	mary.must(t, "DELETE /api/people/"+paul.id+"/factors", "", 403)
	olga.signIn(t)
	olga.must(t, "DELETE /api/people/"+paul.id+"/factors", "", 204)
	paul.must(t, "GET /api/session", "", 401)
	paul.signIn(t)
	olga.must(t, "GET /api/people/factors?people="+mary.id+","+paul.id, "", 200, `"items":[]`)
	paul.enrol(t)
	olga.must(t, "GET /api/people/factors?people="+mary.id+","+paul.id, "", 200, `"person":"`+paul.id+`","methods":["totp","recovery"]`)
	mary.must(t, "GET /api/people/factors?people="+paul.id, "", 403)
	if rows := h.record(t, "factor.reset"); len(rows) != 1 || !strings.HasPrefix(rows[0], olga.id+" "+paul.id) {
		t.Errorf("recorded: %v", rows)
	}
}

func TestSecondStepRequired(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	put := func(value string, status int, holds ...string) {
		t.Helper()
		olga.must(t, "PUT /api/settings/login.secondStepFor", `{"value":`+value+`}`, status, holds...)
	}
	put(`["nobody"]`, 422, "no rule")
	put(`["admins"]`, 200)
	mary.signIn(t)
	if got := h.visitor().must(t, "POST /api/auth/login", object("email", mary.email, "password", good), 200); got.get("secondStepDue") != "" {
		t.Errorf("a member is told of what concerns administrators: %s", got.body)
	}
	// In the grace everything goes on, and the day is told.
	if got := h.visitor().must(t, "POST /api/auth/login", object("email", olga.email, "password", good), 200); got.get("secondStepDue") == "" {
		t.Errorf("the day is not told: %s", got.body)
	}
	h.clock.forward(8 * 24 * time.Hour)
	olga.signIn(t)
	olga.must(t, "GET /api/people", "", 403, "second-step-required")
	olga.must(t, "GET /api/session", "", 200, `"enrol":true`)
	olga.enrol(t)
	olga.must(t, "GET /api/people", "", 200)
	olga.must(t, "GET /api/factors", "", 200, `"required":true`)
	// The operator at the machine is never kept out.
	h.operator().must(t, "DELETE /api/people/"+olga.id+"/factors", "", 204)
	if rows := h.record(t, "factor.reset"); len(rows) != 1 {
		t.Errorf("recorded: %v", rows)
	}
}
