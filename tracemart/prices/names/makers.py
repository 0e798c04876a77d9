"""Who makes models and who serves them, by the words that names carry."""

import re

UNKNOWN = "unknown"

# What a maker's models are called, without anything before it.
_FAMILIES = {
    "openai": r"gpt-\d|(gpt-)?chat-latest$|gpt-(oss|image|audio|realtime|live|transcribe|rosalind)|o[134](-|$)|chatgpt"
    r"|codex-|davinci|babbage|(ada|curie)$|text-(davinci|curie|babbage|ada|embedding-(3-|ada))|tts-1|whisper|dall-e"
    r"|sora-|computer-use-prev|(omni|text)-moderation",
    "anthropic": r"claude-(\d|v\d|instant|[a-z]+-\d)",
    "google": r"gemini-|gemma-?\d|palm-|learnlm|(text|chat|code|codechat)-bison|code-gecko|textembedding-gecko|imagen-"
    r"|veo-|text-unicorn|text-(multilingual-)?embedding-00\d|medlm|lyria-",
    "mistral": r"(open-)?(mistral|mixtral)-|ministral|(open-)?codestral|pixtral|magistral|devstral|voxtral",
    "meta": r"(meta-)?llama-?v?\d|(meta-)?llama-guard|codellama|code-llama|muse-",
    "cohere": r"command(-|$)|embed-(english|multilingual|v\d)|rerank-|c4ai-",
    "deepseek": r"deepseek-",
    "alibaba": r"qwen|qwq|qvq",
    "xai": r"grok-",
    "amazon": r"nova-(lite|micro|pro|premier|sonic|canvas|reel|2)|titan-",
    "microsoft": r"phi-?[1-9]|wizardlm-2|mai-",
    "perplexity": r"sonar(-|$)|pplx-|r1-1776|llama-3\.1-sonar-",
    "ai21": r"jamba|j2-(light|mid|ultra|grande|jumbo)",
    "moonshot": r"kimi-|moonshot-v",
    "zhipu": r"glm-|chatglm",
    "voyage": r"voyage-",
    "nvidia": r"nemotron|llama-3[.\d]*-nemotron",
    "ibm": r"granite-",
    "01ai": r"yi-(large|medium|spark|vision|lightning|\d)",
    "jina": r"jina-",
    "minimax": r"minimax-|abab|m2-her$",
    "writer": r"palmyra-",
}
_FAMILY = {maker: re.compile(pattern) for maker, pattern in _FAMILIES.items()}
# These makers' models on Llama begin as Meta's do.
_FAMILY_ORDER = sorted(_FAMILY, key=lambda maker: maker not in ("nvidia", "perplexity"))

# Before a slash (Hugging Face, OpenRouter) or a dot (Bedrock).
ORGANISATIONS = {
    "openai": "openai", "anthropic": "anthropic", "google": "google", "gemini": "google", "mistralai": "mistral",
    "mistral": "mistral", "mistral-ai": "mistral", "meta": "meta", "meta-models": "meta", "meta-llama": "meta",
    "facebook": "meta", "codellama": "meta", "cohere": "cohere", "cohereforai": "cohere", "coherelabs": "cohere",
    "deepseek": "deepseek", "deepseek-ai": "deepseek", "qwen": "alibaba", "alibaba": "alibaba", "x-ai": "xai",
    "xai": "xai", "xai-org": "xai", "amazon": "amazon", "microsoft": "microsoft", "perplexity": "perplexity",
    "perplexity-ai": "perplexity", "ai21": "ai21", "ai21labs": "ai21", "moonshotai": "moonshot",
    "moonshot": "moonshot", "z-ai": "zhipu", "zai": "zhipu", "zai-org": "zhipu", "thudm": "zhipu", "zhipu": "zhipu",
    "zhipuai": "zhipu", "voyage": "voyage", "voyageai": "voyage", "nvidia": "nvidia", "ibm": "ibm",
    "ibm-granite": "ibm", "01-ai": "01ai", "zero-one-ai": "01ai", "jinaai": "jina", "minimax": "minimax",
    "minimaxai": "minimax", "writer": "writer",
}  # fmt: skip

# Those of the above that are makers' own interfaces, as LiteLLM and others write them; the rest name whose weights run
# somewhere: who runs them, and for how much, stands elsewhere.
OWN_INTERFACES = {
    "openai", "anthropic", "google", "gemini", "mistral", "cohere", "deepseek", "xai", "ai21", "moonshot",
    "moonshotai", "zai", "zhipu", "zhipuai", "voyage", "voyageai", "minimax", "x-ai",
}  # fmt: skip

# A maker's own price list in the catalogue.
PRICE_LISTS = {
    "xai": "x-ai", "moonshot": "moonshotai", "zhipu": "zai", "voyage": "voyageai",
}  # fmt: skip

# Prefixes before a slash that tell who serves; ids are those of the catalogue where it has the host.
HOSTS = {
    "azure": "azure", "azure_ai": "azure", "azure-ai": "azure", "azure_text": "azure", "azure-openai": "azure",
    "azureopenai": "azure", "bedrock": "aws", "bedrock_converse": "aws", "bedrock-converse": "aws",
    "amazon-bedrock": "aws", "amazon_bedrock": "aws", "aws-bedrock": "aws", "vertex_ai": "google",
    "vertex_ai_beta": "google", "vertexai": "google", "vertex-ai": "google", "vertex": "google",
    "google-vertex": "google", "google_vertexai": "google", "google_genai": "google", "google-genai": "google",
    "google-gla": "google", "google-ai-studio": "google", "googleai": "google", "openrouter": "openrouter",
    "groq": "groq", "together_ai": "together", "together": "together", "togethercomputer": "together",
    "together-ai": "together", "fireworks_ai": "fireworks", "fireworks": "fireworks", "fireworks-ai": "fireworks",
    "cerebras": "cerebras", "databricks": "databricks", "cloudflare": "cloudflare", "workers-ai": "cloudflare",
    "novita": "novita", "novita-ai": "novita", "ovhcloud": "ovhcloud", "avian": "avian", "baseten": "baseten",
    "github_copilot": "github-copilot", "github-copilot": "github-copilot", "cursor": "cursor", "arcee": "arcee",
    "modal": "modal", "doubleword": "doubleword", "deepinfra": "deepinfra", "replicate": "replicate",
    "anyscale": "anyscale", "sambanova": "sambanova", "hyperbolic": "hyperbolic", "nebius": "nebius",
    "nscale": "nscale", "lambda_ai": "lambda", "lambda": "lambda", "nvidia_nim": "nvidia_nim", "ollama": "ollama",
    "ollama_chat": "ollama", "lm_studio": "lm_studio", "vllm": "vllm", "hosted_vllm": "vllm",
    "llamafile": "llamafile", "watsonx": "watsonx", "snowflake": "snowflake", "sagemaker": "sagemaker",
    "sagemaker_chat": "sagemaker", "dashscope": "dashscope", "github": "github", "oci": "oci", "wandb": "wandb",
    "gradient_ai": "gradient_ai", "vercel_ai_gateway": "vercel", "vercel": "vercel", "aiml": "aiml",
    "friendliai": "friendliai", "galadriel": "galadriel", "perplexity": "perplexity", "meta_llama": "meta_llama",
    "lemonade": "lemonade", "featherless_ai": "featherless", "heroku": "heroku", "volcengine": "volcengine",
    "xinference": "xinference", "codestral": "codestral", "text-completion-codestral": "codestral",
}  # fmt: skip

# To whom Hugging Face sends a call, as a name's last part says.
HUGGING_FACE_PROVIDERS = {
    "cerebras", "fireworks-ai", "groq", "hyperbolic", "nebius", "novita", "nscale", "ovhcloud", "publicai", "sambanova",
    "together",
}  # fmt: skip

# Makers' interfaces under other names.
SAME_AS = {
    "text-completion-openai": "openai", "openai-chat": "openai", "openai-responses": "openai", "cohere_chat": "cohere",
    "mistralai-api": "mistral", "anthropic_text": "anthropic", "google-anthropic": "anthropic",
}  # fmt: skip

# Say only by which way a call went.
GATEWAYS = {"litellm_proxy", "litellm", "portkey", "helicone", "gateway", "kong"}


def maker_of(model: str) -> str | None:
    """Who makes what is called so, if the name begins as one family's names do."""
    for maker in _FAMILY_ORDER:
        if _FAMILY[maker].match(model):
            return maker
    return None


def price_list_of(maker: str) -> str:
    """The catalogue's id of the maker's own interface, if it has it."""
    return PRICE_LISTS.get(maker, maker)


def known_servers() -> frozenset[str]:
    """What a name may tell of who serves and bills its calls: makers and hosts."""
    routed = {f"huggingface_{name}" for name in HUGGING_FACE_PROVIDERS}
    return frozenset({*_FAMILIES, *ORGANISATIONS.values(), *HOSTS.values(), "huggingface", *routed, UNKNOWN})
