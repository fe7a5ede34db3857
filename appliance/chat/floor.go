package chat

const floor = 0.4
