const names: Record<string, string> = {
  ollama: "Ollama",
  lmstudio: "LM Studio",
  llamacpp: "llama.cpp",
  vllm: "vLLM",
  openai: "OpenAI",
  anthropic: "Anthropic",
};

/** A flavour of server as its makers write it. */
export function flavourOf(flavour: string): string {
  return names[flavour] ?? flavour;
}
