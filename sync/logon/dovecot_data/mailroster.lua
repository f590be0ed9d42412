-- Dovecot's question to `mailroster login-server`: may this user log on, and to what?
-- For Dovecot $version with its Lua plugin. Made by `mailroster dovecot-config --lua`.

local url = "http://127.0.0.1:$port/"
local client

local function encoded(text)
  return (text:gsub("[^%w]", function(char) return string.format("%%%02X", char:byte()) end))
end

function script_init()
  client = dovecot.http.client({ $client })
  return 0
end

function auth_password_verify(request, password)
  local question = client:request({ url = url, method = "POST" })
  question:add_header("Content-Type", "application/x-www-form-urlencoded")
  question:set_payload(
    "userName=" .. encoded(request.user) .. "&password=" .. encoded(password) ..
    "&source=" .. encoded(request.remote_ip or "")
  )
  local answer = question:submit()
  local status = answer:status()
  if status == 403 then
    return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, "refused"
  end
  if status ~= 200 then
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, "mailroster login-server: " .. status
  end
  local fields = {}
  for key, value in answer:payload():gmatch("(%a+)=([^\n]*)\n") do
    fields[key] = value
  end
  if not fields.home then
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, "mailroster: no archive on this host"
  end
  return dovecot.auth.PASSDB_RESULT_OK, {
    user = fields.user,
    userdb_home = fields.home,
    userdb_uid = fields.uid,
    userdb_gid = fields.gid,
    $acl
  }
end
