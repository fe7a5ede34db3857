package doc_test

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"chatets/appliance/extract/doc"
)

func texts() map[string]string {
	return map[string]string{
		"en": "The emergency generator is tested every month without load, and the operator writes down the oil pressure.",
		"de": "Der Notstromgenerator wird jeden Monat ohne Last geprüft, und der Bediener schreibt den Öldruck auf.",
		"fr": "Le générateur de secours est testé chaque mois sans charge et l'opérateur note la pression d'huile dans le registre.",
		"es": "El generador de emergencia se prueba cada mes sin carga y el operador anota la presión del aceite en el registro.",
		"it": "Il generatore di emergenza viene provato ogni mese senza carico e l'operatore annota la pressione dell'olio nel registro.",
		"nl": "De noodgenerator wordt elke maand zonder belasting getest en de bediener noteert de oliedruk in het logboek.",
		"pl": "Agregat awaryjny jest sprawdzany co miesiąc bez obciążenia, a operator zapisuje ciśnienie oleju w dzienniku.",
		"pt": "O gerador de emergência é testado todos os meses sem carga e o operador anota a pressão do óleo no registo.",
		"sv": "Reservgeneratorn provas varje månad utan belastning och operatören skriver upp oljetrycket i loggboken som är på plats.",
		"da": "Nødgeneratoren afprøves hver måned uden belastning, og operatøren skriver olietrykket ned i logbogen.",
		"cs": "Nouzový generátor se každý měsíc zkouší bez zatížení a obsluha zapíše tlak oleje do provozního deníku, který je při stroji.",
		"ru": "Аварийный генератор проверяется каждый месяц без нагрузки, и оператор записывает давление масла.",
		"uk": "Аварійний генератор перевіряється щомісяця без навантаження, і оператор записує тиск оливи.",
		"ar": "يتم اختبار مولد الطوارئ كل شهر بدون حمل ويسجل المشغل ضغط الزيت في السجل.",
		"he": "גנרטור החירום נבדק בכל חודש ללא עומס והמפעיל רושם את לחץ השמן ביומן.",
		"fa": "ژنراتور اضطراری هر ماه بدون بار آزمایش می\u200cشود و اپراتور فشار روغن را یادداشت می\u200cکند.",
		"zh": "应急发电机每月进行一次空载测试,操作员记录机油压力。",
		"ja": "非常用発電機は毎月無負荷で試験され、運転員は油圧を記録します。",
		"ko": "비상 발전기는 매월 무부하로 시험하며 운전원은 오일 압력을 기록한다.",
		"th": "เครื่องกำเนิดไฟฟ้าฉุกเฉินได้รับการทดสอบทุกเดือนโดยไม่มีโหลด",
		"el": "Η γεννήτρια έκτακτης ανάγκης ελέγχεται κάθε μήνα χωρίς φορτίο και ο χειριστής σημειώνει την πίεση.",
		"tr": "Acil durum jeneratörü her ay yüksüz olarak test edilir ve operatör yağ basıncını kayıt defterine yazar.",
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	for want, text := range texts() {
		if got := doc.Language(text); got != want {
			t.Errorf("got %q for %q, want %q", got, text, want)
		}
	}
	for _, text := range []string{"", "12 34", "P-101A V-22 DN50", "Xyzzy plugh foo bar baz", "∑ ∂ → 4 mA", "ok"} {
		if got := doc.Language(text); got != "" {
			t.Errorf("got %q for %q, want nothing", got, text)
		}
	}
	long := strings.Repeat(texts()["de"]+" ", 100_000)
	began := time.Now()
	for range 20 {
		doc.Language(long)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("20 long texts took %s", took)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, language string
		e              encoding.Encoding
	}{
		{"Windows-1252", "de", charmap.Windows1252}, {"Windows-1252", "fr", charmap.Windows1252}, {"Windows-1252", "es", charmap.Windows1252}, {"Windows-1252", "da", charmap.Windows1252},
		{"Windows-1250", "pl", charmap.Windows1250}, {"Windows-1250", "cs", charmap.Windows1250}, {"ISO-8859-2", "pl", charmap.ISO8859_2},
		{"Windows-1251", "ru", charmap.Windows1251}, {"KOI8-R", "ru", charmap.KOI8R}, {"ISO-8859-5", "ru", charmap.ISO8859_5}, {"Windows-1251", "uk", charmap.Windows1251},
		{"Windows-1253", "el", charmap.Windows1253}, {"Windows-1254", "tr", charmap.Windows1254}, {"Windows-1255", "he", charmap.Windows1255}, {"Windows-1256", "ar", charmap.Windows1256}, {"Windows-874", "th", charmap.Windows874},
		{"Shift-JIS", "ja", japanese.ShiftJIS}, {"EUC-JP", "ja", japanese.EUCJP}, {"ISO-2022-JP", "ja", japanese.ISO2022JP}, {"EUC-KR", "ko", korean.EUCKR}, {"GB18030", "zh", simplifiedchinese.GB18030}, {"Big5", "zh-tw", traditionalchinese.Big5},
	} {
		t.Run(tt.name+" "+tt.language, func(t *testing.T) {
			t.Parallel()
			want := texts()[tt.language]
			if tt.language == "zh-tw" {
				want = "緊急發電機每月進行一次空載測試,操作員記錄機油壓力。"
			}
			data, err := tt.e.NewEncoder().Bytes([]byte(want))
			if err != nil {
				t.Fatal(err)
			}
			got, notes, err := doc.Decode(data)
			if err != nil || got != doc.Clean(want) {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
			if !strings.Contains(strings.Join(notes, " "), tt.name) {
				t.Errorf("got notes %q, want %s", notes, tt.name)
			}
		})
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, text := range []string{"\ufeffGerät 应急", "Pump 应急"} {
			var data []byte
			for _, r := range text {
				data = order.AppendUint32(data, uint32(r))
			}
			if got, notes, err := doc.Decode(data); got != strings.TrimPrefix(text, "\ufeff") || err != nil || len(notes) > 0 {
				t.Errorf("UTF-32 %v: got %q, %q, %v", order, got, notes, err)
			}
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"powers stay", "10³ m² H₂O x⁻¹", "10³ m² H₂O x⁻¹"}, {"fractions stay", "½ ¾", "½ ¾"}, {"ligatures become letters", "ﬁnal oﬀer", "final offer"},
		{"full width becomes plain", "ＡＢＣ１２３", "ABC123"}, {"marks join letters", "Gera\u0308t", "Gerät"}, {"soft hyphens go", "Pum\u00adpe", "Pumpe"},
		{"line ends", "a\r\nb\rc\u2028d\fe", "a\nb\nc\nd\ne"}, {"controls go", "a\x00\x01\ufeff\ufffeb\x7f", "ab"}, {"plain stays", "a\tb\nc", "a\tb\nc"},
	} {
		if got := doc.Clean(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if got := doc.Clean(tt.want); got != tt.want {
			t.Errorf("%s: cleaned twice is %q", tt.name, got)
		}
	}
}

func TestBuilder(t *testing.T) {
	t.Parallel()
	b := doc.NewBuilder(t.Context())
	first, second := strings.Repeat("The pump runs well. ", 90), strings.Repeat("A valve is shut. ", 40)
	n := len(first)
	b.Add(doc.Block{Kind: doc.Paragraph, Page: 3, Text: first + second, Boxes: []doc.Box{{From: 0, To: n, Y: .1}, {From: n, To: n + len(second), Y: .2}}})
	b.Add(doc.Block{Kind: doc.Paragraph, Text: " \n"})
	if err := b.Within(2, func() error { b.Add(doc.Block{Kind: doc.Heading, Level: 1, Text: "Deep"}); return nil }); err != nil {
		t.Fatal(err)
	}
	d, err := b.Document("a/Pump manual.pdf")
	if err != nil {
		t.Fatal(err)
	}
	if d.Title != "Pump manual" || d.Pages != 3 || len(d.Blocks) != 3 || d.Blocks[2].Level != 3 {
		t.Errorf("got title %q, %d pages, %d blocks: %+v", d.Title, d.Pages, len(d.Blocks), d.Blocks[len(d.Blocks)-1])
	}
	at := 0
	for i, block := range d.Blocks {
		if block.Start != at || block.End != at+utf8.RuneCountInString(block.Text) {
			t.Errorf("block %d stands at %d-%d, want %d", i, block.Start, block.End, at)
		}
		at = block.End + 1
		for _, box := range block.Boxes {
			if part := block.Text[box.From:box.To]; box.Y < .15 && strings.Contains(part, "valve") || box.Y > .15 && strings.Contains(part, "pump") {
				t.Errorf("block %d: a box of the line at %.1f holds %q", i, box.Y, part)
			}
		}
	}
	if len(d.Blocks[1].Boxes) == 0 {
		t.Error("the second part lost its boxes")
	}
	if _, err := doc.NewBuilder(t.Context()).Document("a"); err == nil {
		t.Error("a document without text is one")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if doc.NewBuilder(ctx).Err() == nil {
		t.Error("a cancelled builder goes on")
	}
}

func BenchmarkLanguage(b *testing.B) {
	text := strings.Repeat(texts()["de"]+" ", 100)[:10<<10]
	for b.Loop() {
		doc.Language(text)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"a\xe4", "\xff\xfea\x00", "\x1b$B%", "\x00\x00\x00a\x00\x00\x00b", "\x93\xfa\x96{"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, _, err := doc.Decode(data)
		if err == nil && (!utf8.ValidString(text) || doc.Clean(text) != text) {
			t.Fatalf("%q is not clean", text)
		}
		doc.Language(text)
	})
}
