package chat

import (
	"sync"

	"chatets/appliance/inference"
)

// counts learns how the tokens that servers count compare with our estimate,
// model by model: the estimate is careful, and most texts have fewer.
type counts struct {
	mu     sync.Mutex
	ratios map[string]float64
}

const (
	countLeast = 200 // tokens of a prompt that says something about its model
	countSlow  = 0.2 // weight of what was learned last, where it is smaller
)

// ratio is the server's count for one of ours; 0 while it is not known.
func (c *counts) ratio(model string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ratios[model]
}

// learn takes in what a server counted. A larger ratio holds at once, a smaller
// one slowly: too many tokens cost an answer, too few a passage.
func (c *counts) learn(model string, prompt []inference.Message, counted int) {
	ours := 0
	for _, m := range prompt {
		ours += Tokens(m.Content)
	}
	if counted <= 0 || ours < countLeast {
		return
	}
	ratio := float64(counted) / float64(ours)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ratios == nil {
		c.ratios = map[string]float64{}
	}
	if before := c.ratios[model]; before > ratio {
		ratio = before + countSlow*(ratio-before)
	}
	c.ratios[model] = ratio
}
