"""How a mail is headed: a subject that is read in a list of mails, and a heading that leaves names to the text."""

from jobs.mail_parts import Item, clean

# What a list of mails shows. Of long names the ends are left out, never the words around them.
LONGEST = 70
SHORTEST_NAME = 16
# Of one key: the subject, with gaps for its name and its workspace, and the heading.
_ALONE = {
    "key_created": ("New API key {} in {}", "New API key"),
    "key_leaked": ("Leaked API key {} of {} is revoked", "A leaked key is revoked"),
    "dead_secret": ("A dead secret of {} in {} is in use", "A dead secret is in use"),
    "webhook_disabled": ("Webhook {} of {} is disabled", "A webhook is disabled"),
    "team_confirmation": ("Confirm {} for mail of {}", "Confirm this address"),
    "expiring": ("API key {} of {} expires soon", "An API key expires soon"),
    "expired": ("API key {} of {} has expired", "An API key has expired"),
    "unused": ("API key {} of {} is unused", "An API key is unused"),
    "quarantined": ("API key {} of {} is in quarantine", "An API key is in quarantine"),
    "cleaned_up": ("Unused API key {} of {} is revoked", "An unused API key is revoked"),
    "rotation_due": ("API key {} of {} is due for rotation", "An API key is due for rotation"),
    "maker_left": ("API key {} of {} has lost its maker", "An API key has lost its maker"),
}
_ANY = ("API key {} of {} needs a look", "1 API key needs a look")
# Of several keys: gaps for how many, and for whose they are.
_TOGETHER = {
    "key_created": "{} new API keys{}",
    "key_leaked": "{} leaked API keys{}",
    "dead_secret": "{} API keys{} are called with dead secrets",
    "webhook_disabled": "{} webhooks{} are disabled",
    "expiring": "{} API keys{} expire soon",
    "expired": "{} API keys{} have expired",
    "unused": "{} API keys{} are unused",
    "quarantined": "{} API keys{} are in quarantine",
    "cleaned_up": "{} unused API keys{} are revoked",
    "rotation_due": "{} API keys{} are due for rotation",
    "maker_left": "{} API keys{} have lost their maker",
}
_MIXED = "{} API keys{} need a look"
# After what is said of the most urgent one.
_MORE = ", {} more need{} a look"


def subject(kinds: list[str], items: list[Item], keys: int, workspaces: list[str]) -> str:
    """`kinds` are of keys alone, the most urgent first, as `items` are: none where the mail only sums up weeks."""
    where = workspaces[0] if len(workspaces) == 1 else f"{len(workspaces)} workspaces"
    if not keys:
        return f"Last {'week' if len(items) == 1 else 'weeks'} in {clean(where, 50)}"
    if keys == 1:
        return _fitted(_alone(kinds, items)[0], items[0].name, where)
    if len(kinds) > 1:
        # There is no room for a workspace besides.
        words = _alone(kinds, items)[0].replace(" of {}", "{}") + _MORE.format(f"{keys - 1:,}", "s" * (keys == 2))
        return _fitted(words, items[0].name, "")
    words = _together(kinds)
    return words.format(f"{keys:,}", f" of {clean(where, LONGEST - len(words) - 8)}")


def heading(kinds: list[str], items: list[Item], keys: int) -> str:
    if not keys:
        return f"The {'week' if len(items) == 1 else 'weeks'} in figures"
    if keys > 1:
        return _together(kinds).format(f"{keys:,}", "")
    return _ANY[1] if len(kinds) > 1 else _alone(kinds, items)[1]


def _together(kinds: list[str]) -> str:
    return _TOGETHER.get(kinds[0], _MIXED) if len(kinds) == 1 else _MIXED


def _alone(kinds: list[str], items: list[Item]) -> tuple[str, str]:
    """An item may say of itself what its kind does not tell."""
    words, above = _ALONE.get(kinds[0], _ANY)
    return items[0].subject or words, items[0].heading or above or _ANY[1]


def _fitted(words: str, name: str, workspace: str) -> str:
    spare = LONGEST - len(words.format("“”", ""))
    where = clean(workspace, max(SHORTEST_NAME, spare - len(name)))
    return words.format(f"“{clean(name, max(SHORTEST_NAME, spare - len(where)))}”", where)
