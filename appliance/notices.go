package appliance

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"chatets/appliance/fault"
	"chatets/appliance/setting"
	"chatets/appliance/web"
)

// Notices are what every page of this installation says and does, whoever looks
// at it. It holds nothing that a stranger at the door may not read.
type Notices struct {
	SignIn         string         `json:"signIn" doc:"Stands over the sign-in form."`
	Answers        string         `json:"answers" doc:"Says what answers are; empty is the page's own sentence."`
	ShowAnswers    bool           `json:"showAnswers"`
	Classification Classification `json:"classification"`
	LockMinutes    int            `json:"lockMinutes" doc:"A page that nobody uses for so long is covered; 0 never."`
}

// Classification is the label at the top and the bottom of every page.
type Classification struct {
	Text  string `json:"text" doc:"Empty shows no label."`
	Level string `json:"level" enum:"none,low,medium,high"`
}

// noticeSettings are the settings that Notices are made of.
type noticeSettings struct {
	signIn, answers, label, level *setting.Value[string]
	show                          *setting.Value[bool]
	lock                          *setting.Value[int]
}

const longestNotice, longestLabel = 2000, 80

func declareNotices(s *setting.Settings) noticeSettings {
	return noticeSettings{
		signIn: setting.Declare(s, setting.Key[string]{Name: "notice.signIn", Check: atMost(longestNotice),
			Help: "A text over the sign-in form, for example who may use this system. Empty shows none."}),
		show: setting.Declare(s, setting.Key[bool]{Name: "notice.answersShown", Default: true,
			Help: "Whether a line under the composer says that answers can be wrong and that this is not a medical device."}),
		answers: setting.Declare(s, setting.Key[string]{Name: "notice.answers", Check: atMost(longestNotice),
			Help: "Words of your own for that line. Empty is the page's own sentence, in the reader's language."}),
		label: setting.Declare(s, setting.Key[string]{Name: "notice.classification", Check: atMost(longestLabel),
			Help: "A label at the top and the bottom of every page, for example: Internal. Empty shows none."}),
		level: setting.Declare(s, setting.Key[string]{Name: "notice.classificationLevel", Default: "none", Check: knownLevel,
			Help: "The colour of the label: none, low, medium or high. The words always stand beside it."}),
		lock: setting.Declare(s, setting.Key[int]{Name: "login.lockMinutes", Default: 0, Check: setting.Between(0, 480),
			Help: "After so many minutes without a key or a pointer a page is covered and its session ended; the password brings it back as it was. 0 never; 5 suits shared workstations."}),
	}
}

func atMost(characters int) func(string) error {
	return func(text string) error {
		if utf8.RuneCountInString(text) > characters {
			return fault.New(fault.Invalid, "A notice has at most %d characters.", characters)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' }) {
			return fault.New(fault.Invalid, "A notice is plain text.").Cure("Take out tabs and other signs that are no letters.")
		}
		return nil
	}
}

func knownLevel(level string) error {
	switch level {
	case "none", "low", "medium", "high":
		return nil
	}
	return fault.New(fault.Invalid, "The level is none, low, medium or high.")
}

func (n noticeSettings) now(ctx context.Context) Notices {
	return Notices{
		SignIn: n.signIn.Get(ctx), Answers: n.answers.Get(ctx), ShowAnswers: n.show.Get(ctx), LockMinutes: n.lock.Get(ctx),
		Classification: Classification{Text: n.label.Get(ctx), Level: n.level.Get(ctx)},
	}
}

type noticesOut struct{ Body Notices }

func (n noticeSettings) routes(api *web.API) {
	web.Handle(api, web.Route{Method: http.MethodGet, Path: "/api/page-notices", ID: "getNotices", Tag: "Settings", Access: web.Public,
		Summary: "What every page says: sign-in banner, notice about answers, classification, and when it is covered"},
		func(ctx context.Context, _ *struct{}) (*noticesOut, error) { return &noticesOut{Body: n.now(ctx)}, nil })
}

// bootstrap puts the notices beside what the page is given about its session, so
// that its first paint has them.
func (n noticeSettings) bootstrap(inner func(context.Context) any) func(context.Context) any {
	return func(ctx context.Context) any {
		data := inner(ctx)
		raw, err := json.Marshal(data)
		fields := map[string]any{}
		if err != nil || json.Unmarshal(raw, &fields) != nil {
			return data
		}
		fields["notices"] = n.now(ctx)
		return fields
	}
}
