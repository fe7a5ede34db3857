package login

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
)

// device is an authenticator with one passkey, and the page it is asked on.
type device struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
}

// named opens the house by the name that passkeys are bound to.
func (h *house) named(t *testing.T, olga *visitor) {
	t.Helper()
	olga.must(t, "PUT /api/settings/server.name", `{"value":"localhost"}`, 200)
	h.base = strings.Replace(h.base, "127.0.0.1", "localhost", 1)
}

func (h *house) device() *device {
	return &device{
		rp:   virtualwebauthn.RelyingParty{Name: "ChatETS", ID: "localhost", Origin: h.base},
		auth: virtualwebauthn.NewAuthenticator(), key: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2),
	}
}

func options(t *testing.T, a answer) (ticket, options string) {
	t.Helper()
	raw, err := json.Marshal(a.fields.(map[string]any)["options"])
	if err != nil {
		t.Fatal(err)
	}
	return a.get("ticket"), string(raw)
}

// makes answers the question to make a passkey.
func (d *device) makes(t *testing.T, question answer) (ticket, credential string) {
	t.Helper()
	ticket, text := options(t, question)
	o, err := virtualwebauthn.ParseAttestationOptions(text)
	if err != nil {
		t.Fatal(err)
	}
	d.auth.Options.UserHandle = []byte(o.UserID)
	return ticket, virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.key, *o)
}

// signs answers the question for a passkey; its counter goes on by one.
func (d *device) signs(t *testing.T, question answer) (ticket, credential string) {
	t.Helper()
	ticket, text := options(t, question)
	o, err := virtualwebauthn.ParseAssertionOptions(text)
	if err != nil {
		t.Fatal(err)
	}
	d.key.Counter++
	return ticket, virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.key, *o)
}

func with(ticket, credential, more string) string {
	return `{"ticket":"` + ticket + `","credential":` + credential + more + `}`
}

// passkey sets a passkey up and returns the answer.
func (v *visitor) passkey(t *testing.T, d *device, name string) answer {
	t.Helper()
	ticket, made := d.makes(t, v.must(t, "POST /api/factors/passkeys", "", 200, `"challenge"`))
	return v.must(t, "POST /api/factors/passkeys/confirm", with(ticket, made, `,"name":"`+name+`"`), 200)
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	mary := h.person(t, olga, "mary@house.test", "Mary Miller", "")
	paul := h.person(t, olga, "paul@house.test", "Paul", "")
	nobody := h.visitor()
	for _, value := range []string{"10.0.0.5", "Chat.Clinic", "chat clinic", "https://chat", "chat.clinic.example.", "-x.example"} {
		olga.must(t, "PUT /api/settings/server.name", object("value", value), 422)
	}
	// Without a name, and at an address, there are none.
	mary.must(t, "GET /api/factors", "", 200, `"passkeyOffer":false`)
	mary.must(t, "POST /api/factors/passkeys", "", 409, "passkey-needs-name", "server.name")
	olga.must(t, "PUT /api/settings/server.name", `{"value":"localhost"}`, 200)
	mary.must(t, "POST /api/factors/passkeys", "", 409, "passkey-needs-name", "the name localhost")
	nobody.must(t, "POST /api/auth/passkey", `{}`, 409, "passkey-needs-name")
	h.named(t, olga)
	mary.must(t, "GET /api/factors", "", 200, `"passkeyOffer":true`, `"serverName":"localhost"`)

	// Making one wants a fresh proof: a session that was left open is not enough.
	h.clock.forward(freshFor + time.Minute)
	mary.must(t, "POST /api/factors/passkeys", "", 403, "prove-again")
	mary.must(t, "POST /api/auth/prove", object("password", good), 204)
	other := *mary
	other.signIn(t)
	d := h.device()
	ticket, made := d.makes(t, mary.must(t, "POST /api/factors/passkeys", "", 200))
	paul.signIn(t)
	paul.must(t, "POST /api/factors/passkeys/confirm", with(ticket, made, `,"name":"x"`), 401, "passkey-expired") // of another person
	mary.must(t, "POST /api/factors/passkeys/confirm", with(ticket, made, `,"name":" "`), 422, "body.name")
	mary.must(t, "POST /api/factors/passkeys/confirm", with("x", made, `,"name":"x"`), 401, "passkey-expired")
	mary.must(t, "POST /api/factors/passkeys/confirm", with(ticket, `{}`, `,"name":"x"`), 401, "wrong-passkey")
	far := h.device()
	far.rp.Origin = "https://evil.test"
	farTicket, farMade := far.makes(t, mary.must(t, "POST /api/factors/passkeys", "", 200))
	mary.must(t, "POST /api/factors/passkeys/confirm", with(farTicket, farMade, `,"name":"x"`), 401, "wrong-passkey")
	added := mary.must(t, "POST /api/factors/passkeys/confirm", with(ticket, made, `,"name":"Laptop"`), 200, `"name":"Laptop"`)
	recovery := added.get("recoveryCodes", "0")
	if recovery == "" || added.get("recoveryCodes", "9") == "" {
		t.Fatalf("no recovery codes with the first second step: %s", added.body)
	}
	mary.must(t, "POST /api/factors/passkeys/confirm", with(ticket, made, `,"name":"Laptop"`), 401, "passkey-expired") // a question is good once
	other.must(t, "GET /api/session", "", 401)

	// As the second step.
	first := func(v *visitor) string {
		t.Helper()
		return nobody.must(t, "POST /api/auth/login", object("email", v.email, "password", good), 200, `"passkey"`, `"recovery"`).get("second", "ticket")
	}
	second := first(mary)
	in, signed := d.signs(t, nobody.must(t, "POST /api/auth/passkey", object("ticket", second), 200, `"allowCredentials"`))
	got := nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, `,"trust":true`), 200, `"token"`, `"deviceToken"`)
	mary.token = got.get("token")
	nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 401)
	nobody.must(t, "POST /api/auth/passkey", object("ticket", second), 401, "ticket-expired")
	mary.must(t, "DELETE /api/factors/devices", "", 204)

	// Alone, without a name; the device has to check its holder.
	in, signed = d.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200, `"userVerification":"required"`))
	b := nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, `,"cookie":true`), 200, "mary@house.test", `"csrf"`)
	cookie(t, b)
	d.auth.Options.UserNotVerified = true
	in, signed = d.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 401, "wrong-passkey")
	d.auth.Options.UserNotVerified = false
	for _, tt := range []struct {
		name   string
		change func(d *device)
	}{
		{"another page", func(d *device) { d.rp.Origin = "https://localhost.evil.test" }},
		{"another port of this host", func(d *device) { d.rp.Origin = "http://localhost:1" }},
		{"another name", func(d *device) { d.rp.ID = "evil.test" }},
		{"another key", func(d *device) {
			d.key.Key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2).Key
		}},
		{"unknown", func(d *device) { d.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2) }},
		{"nobody touched it", func(d *device) { d.auth.Options.UserNotPresent = true }},
		{"of another person", func(d *device) { d.auth.Options.UserHandle = []byte(olga.id) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			thief := *d
			tt.change(&thief)
			in, signed := thief.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
			nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 401, "wrong-passkey")
			h.clock.forward(time.Hour) // the throttle counts them
		})
	}
	in, signed = d.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	h.clock.forward(ceremonyLife + time.Second)
	nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 401, "passkey-expired")
	// A question for one purpose does not serve another.
	in, signed = d.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	mary.token = nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 200).get("token")
	h.clock.forward(freshFor + time.Minute)
	in, signed = d.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	mary.must(t, "POST /api/auth/prove", with(in, signed, ""), 401, "passkey-expired")

	// As a proof; and a second passkey, which draws no new codes.
	mary.must(t, "POST /api/factors/recovery", "", 403, "prove-again")
	in, signed = d.signs(t, mary.must(t, "POST /api/auth/prove/passkey", "", 200))
	mary.must(t, "POST /api/auth/prove", with(in, signed, ""), 204)
	phone := h.device()
	if got := mary.passkey(t, phone, "Phone"); got.get("recoveryCodes") != "[]" {
		t.Errorf("a second passkey draws new codes: %s", got.body)
	}
	secret, codes := mary.totp(t)
	if len(codes) != 0 {
		t.Error("an app beside passkeys draws new codes")
	}
	list := mary.must(t, "GET /api/factors", "", 200, `"Laptop"`, `"Phone"`, `"totp":true`, `"recoveryCodes":10`, `"copied":false`)
	laptop := list.get("passkeys", "0", "id")
	if strings.Contains(list.body, "publicKey") {
		t.Errorf("more is told than needed: %s", list.body)
	}
	// Ending the app keeps passkeys and codes.
	mary.must(t, "DELETE /api/factors/totp", "", 204)
	mary.must(t, "GET /api/factors", "", 200, `"totp":false`, `"recoveryCodes":10`)
	nobody.must(t, "POST /api/auth/second", object("ticket", first(mary), "code", h.code(t, secret, 1)), 401)
	nobody.must(t, "POST /api/auth/second", object("ticket", first(mary), "code", recovery), 200)

	// Names and ends, one's own alone.
	paul.signIn(t)
	paul.must(t, "PATCH /api/factors/passkeys/"+laptop, object("name", "Mine"), 404)
	paul.must(t, "DELETE /api/factors/passkeys/"+laptop, "", 404)
	mary.must(t, "PATCH /api/factors/passkeys/"+laptop, object("name", "Old laptop"), 204)
	mary.must(t, "GET /api/factors", "", 200, "Old laptop")

	// A copy: its counter falls behind, and the passkey is closed for good.
	copied := *d
	copied.key.Counter -= 2
	in, signed = copied.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 403, "passkey-copied")
	in, signed = d.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 403, "passkey-copied")
	mary.must(t, "GET /api/factors", "", 200, `"copied":true`)
	if rows := h.record(t, "factor.copied"); len(rows) != 2 || !strings.Contains(rows[0], "refused") {
		t.Errorf("recorded: %v", rows)
	}
	in, signed = phone.signs(t, mary.must(t, "POST /api/auth/prove/passkey", "", 200))
	mary.must(t, "POST /api/auth/prove", with(in, signed, ""), 204)
	mary.must(t, "DELETE /api/factors/passkeys/"+laptop, "", 204)
	in, signed = d.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 401, "wrong-passkey")

	// The house may want name and password first.
	olga.signIn(t)
	olga.must(t, "PUT /api/settings/login.passkeyAlone", `{"value":false}`, 200)
	nobody.must(t, "POST /api/auth/passkey", `{}`, 409, "passkey-not-alone")
	in, signed = phone.signs(t, nobody.must(t, "POST /api/auth/passkey", object("ticket", first(mary)), 200))
	mary.token = nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 200).get("token")
	olga.must(t, "PUT /api/settings/login.passkeyAlone", `{"value":true}`, 200)

	// Who is disabled stays outside; a reset takes passkeys away.
	olga.must(t, "PATCH /api/people/"+mary.id, `{"disabled":true}`, 200)
	in, signed = phone.signs(t, nobody.must(t, "POST /api/auth/passkey", `{}`, 200))
	nobody.must(t, "POST /api/auth/passkey/finish", with(in, signed, ""), 401)
	olga.must(t, "PATCH /api/people/"+mary.id, `{"disabled":false}`, 200)
	olga.must(t, "DELETE /api/people/"+mary.id+"/factors", "", 204)
	mary.signIn(t)
	mary.must(t, "GET /api/factors", "", 200, `"passkeys":[]`, `"recoveryCodes":0`)

	// The last one takes the codes with it.
	mary.passkey(t, phone, "Phone")
	mary.must(t, "DELETE /api/factors/passkeys/"+mary.must(t, "GET /api/factors", "", 200).get("passkeys", "0", "id"), "", 204)
	mary.signIn(t)
	var left int
	if err := h.db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM recovery_code WHERE person = ?`, mary.id).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d codes are left, error %v", left, err)
	}
}

// totp sets an app up beside what is there.
func (v *visitor) totp(t *testing.T) (secret string, codes []any) {
	t.Helper()
	secret = v.must(t, "POST /api/factors/totp", "", 200).get("secret")
	got := v.must(t, "POST /api/factors/totp/confirm", object("code", v.house.code(t, secret, 0)), 200)
	codes, _ = got.fields.(map[string]any)["recoveryCodes"].([]any)
	return secret, codes
}

// A session whose second step is overdue can set up a passkey, and then all else.
func TestPasskeyAtTheGate(t *testing.T) {
	t.Parallel()
	h := start(t)
	olga := h.setUp(t)
	h.named(t, olga)
	olga.must(t, "PUT /api/settings/login.secondStepFor", `{"value":["everyone"]}`, 200)
	olga.must(t, "PUT /api/settings/login.secondStepGraceDays", `{"value":0}`, 200)
	olga.signIn(t)
	olga.must(t, "GET /api/people", "", 403, "second-step-required")
	olga.passkey(t, h.device(), "Laptop")
	olga.must(t, "GET /api/people", "", 200)
}
