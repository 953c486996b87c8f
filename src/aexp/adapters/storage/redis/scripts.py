"""What the server does in one step: small scripts in its own language, Lua.

A server runs one script at a time, and a script whose rights or space do not suffice is refused before its
first line: so each is done as a whole or not at all. (Every key is declared, which is what makes the server
check the rights first; and what can still fail stands before what changes something.)

Each change carries its writer's name and number. A repeat of the last one, because its reply was lost, gets
the first one's outcome; one that comes in late, from a connection that was given up, is dropped.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

REMEMBERED_S = 900
"""Seconds for which the outcome of a writer's last change is known: many times what a repeat may take."""


@dataclass(frozen=True)
class Script:
    """One script.

    Attributes:
        body: what it does, without the line of its flags.
        flags: as the server knows them; ``allow-oom`` for what must work where memory is used up.
        writes: whether it changes anything.
    """

    body: str
    flags: str = ""
    writes: bool = True

    @property
    def text(self) -> str:
        """What is sent."""
        return f"#!lua flags={self.flags}\n{self.body}" if self.flags else f"#!lua\n{self.body}"

    @cached_property
    def digest(self) -> str:
        """What the server calls it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    @property
    def forced(self) -> "Script":
        """The same, also where memory is used up."""
        return Script(self.body, "allow-oom", self.writes)


# KEYS[1] is the writer's last change, ARGV[1] the number of this one. A folder's set is only added to once: a
# client's user need not be allowed to, because a daemon has made all of them.
_FENCED = """
local last = redis.call('GET', KEYS[1])
if last then
  local number, outcome = string.match(last, '^(%d+) (%d)$')
  if tonumber(number) == tonumber(ARGV[1]) then return tonumber(outcome) end
  if tonumber(number) > tonumber(ARGV[1]) then return redis.error_reply('AEXPLATE dropped') end
end
local function done(outcome)
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. outcome, 'EX', REMEMBERED)
  return outcome
end
local function known(folders, folder)
  if folder ~= '' and redis.call('SISMEMBER', folders, folder) == 0 then
    redis.pcall('SADD', folders, folder)
  end
end
""".replace("REMEMBERED", str(REMEMBERED_S))

# KEYS: writer, content, entries. ARGV: number, entry, data, folder, folders, channel.
_PUT = """
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
known(ARGV[5], ARGV[4])
redis.pcall('PUBLISH', ARGV[6], ARGV[2])
return done(1)
"""

_IF_NEW = """
if redis.call('EXISTS', KEYS[2]) == 1 then
  return done(redis.pcall('GET', KEYS[2]) == ARGV[3] and 1 or 0)
end
"""

# The same, and ARGV[7]: a second channel; ARGV[8]: how many bytes it may hold.
_APPEND = """
if redis.call('STRLEN', KEYS[2]) + #ARGV[3] > tonumber(ARGV[8]) then return done(0) end
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('APPEND', KEYS[2], ARGV[3])
known(ARGV[5], ARGV[4])
redis.pcall('PUBLISH', ARGV[6], ARGV[2])
redis.pcall('PUBLISH', ARGV[7], ARGV[2])
return done(1)
"""

# KEYS: writer, content, entries, content there, entries there. ARGV: number, entry, entry there, folder
# there, folders, channel there, then the channels that are told. An entry without content is taken off.
_TAKE = """
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.pcall('SREM', KEYS[3], ARGV[2])
  return done(0)
end
redis.call('SADD', KEYS[5], ARGV[3])
redis.call('RENAME', KEYS[2], KEYS[4])
redis.pcall('SREM', KEYS[3], ARGV[2])
known(ARGV[5], ARGV[4])
redis.pcall('PUBLISH', ARGV[6], ARGV[3])
for at = 7, #ARGV do redis.pcall('PUBLISH', ARGV[at], ARGV[3]) end
return done(1)
"""

# KEYS: writer, content, entries. ARGV: number, entry.
_REMOVE = """
redis.call('UNLINK', KEYS[2])
redis.pcall('SREM', KEYS[3], ARGV[2])
return done(1)
"""

# KEYS: content. ARGV: first byte, last byte. False where there is none.
_READ = """
local data = redis.call('GETRANGE', KEYS[1], ARGV[1], ARGV[2])
if data == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
return data
"""

# KEYS: entries. What no file could be called, and what is the adapter's own, is left out here: of an entry
# as large as the server's memory nothing reaches whoever asks.
_LIST = """
local found = {}
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local named = #entry > 0 and #entry < 256 and string.byte(entry) ~= 46
  if named and not string.find(entry, '/', 1, true) then found[#found + 1] = entry end
end
return found
"""

PUT = Script(_FENCED + _PUT)
PUT_NEW = Script(_FENCED + _IF_NEW + _PUT)
APPEND = Script(_FENCED + _APPEND)
TAKE = Script(_FENCED + _TAKE, "allow-oom")
REMOVE = Script(_FENCED + _REMOVE, "allow-oom")
READ = Script(_READ, "no-writes", writes=False)
LIST = Script(_LIST, "no-writes", writes=False)
