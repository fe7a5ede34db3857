package lexical

import (
	"strings"
	"sync"
)

// stopWords are the words of a question that say nothing about its subject, in
// the three languages that are told apart. They are left in the index, because
// a quoted phrase needs them.
var stopWords = sync.OnceValue(func() [3]map[string]bool {
	lists := [3]string{
		`a about above after again all also am an and any anybody anyone are as at be because been before being below between both but by
		can cannot cant could did do does doing done dont each either else ever every for from further get give had has have having
		he her here hers him his how however i if in into is isnt it its just kindly let like may me might mine more most much many must my
		neither no nor not of off on once one only onto or other our ours out over own per please rather same shall she should so some
		somebody someone something still such tell than that the their them then there these they this those through to too toward towards
		under until up upon us use used using very via want was we were what whatever when where whether which while who whom whose why will
		with within without would yes yet you your yours know find explain describe show say says said mean means`,
		`aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bitte bist da dabei damit dann das dass
		daß dein deine dem den denn der deren des dessen dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem
		einen einer eines er erklare es etwas euch euer findet finden fur gegen gehort geht gib gibt habe haben hat hatte hatten hier hin hinter ich ihm ihn
		ihr ihre ihrem ihren im in ins ist ja jede jedem jeden jeder jedes jetzt kann kannst kein keine keinem keinen keiner kommt konnen
		konnte mal man manche mehr mein meine mich mir mit muss mussen nach nein nicht nichts noch nun nur ob oder ohne sehr sein seine seinem
		seinen seiner seit sich sie sind so soll sollen sollte sondern sonst statt stattfinden um und uns unser unsere unter viel viele vom von vor wahrend wann
		war waren warum was weil welche welchem welchen welcher welches wem wen wenig wenn wer werden wessen wie wieder wieviel will wir wird
		wo wofur woher wohin womit wozu wurde wurden zu zum zur zwischen uber`,
		`a afin ai ainsi alors apres as au aucun aucune aussi autre autres aux avant avec avez avoir avons c ca car ce ceci cela celle
		celles celui ces cet cette ceux chaque chez ci comment combien comme contre d dans de depuis des dire dit dites doit doivent donc dont
		du elle elles en encore entre es est et etaient etait etant ete etes etre eu eux explique expliquez fait faire faut fois font ici il
		ils j je jusque l la laquelle le lequel les lesquelles lesquels leur leurs lors lorsque lui m ma mais me meme mes moi moins mon n ne ni
		nos notre nous on ont ou par parce pas pendant peu peut peuvent plus pour pourquoi qu quand que quel quelle quelles quelque quelques
		quels qui quoi s sa sans se selon sera ses si son sont sous sur t ta te tel telle tes toi ton tous tout toute toutes tres tu un une va
		vers veut voici voila vos votre vous y`,
	}
	var sets [3]map[string]bool
	for i, list := range lists {
		sets[i] = map[string]bool{}
		for w := range strings.FieldsSeq(list) {
			sets[i][Fold(w)] = true
		}
	}
	return sets
})

// glue is the stop list of the language the tokens are written in: the one with
// the most hits. One list only, because "die" and "war" are glue in German and
// a subject in English.
func glue(lists [3]map[string]bool, tokens []token) map[string]bool {
	best, most := lists[0], 0
	for _, set := range lists {
		hits := 0
		for _, t := range tokens {
			if t.form == word && set[t.surface] {
				hits++
			}
		}
		if hits > most {
			best, most = set, hits
		}
	}
	return best
}
