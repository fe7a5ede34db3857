package encoder

// kernels are the two inner loops; the processor decides which form is used.
type kernels struct {
	name string
	// rows is how many rows multiply takes at once.
	rows int
	// multiply sets c = a x b for `rows` rows of a with k columns and 32
	// columns of b, which lies as k rows of 32. lda and ldc count numbers.
	multiply func(k int, a *float32, lda int, b *float32, c *float32, ldc int)
	// widen turns k rows of 32 codes into numbers, each row with its own scale.
	widen func(k int, codes *byte, scales *float32, b *float32)
	// direct does both for more than `rows` and at most `few` rows at once, as many
	// as a question has; nil where there is no such form.
	few    int
	direct func(k int, a *float32, lda int, codes *byte, scales *float32, c *float32, ldc int)
}
