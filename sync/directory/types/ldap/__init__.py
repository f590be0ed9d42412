"""LDAP as a type of directory service: OpenLDAP and the like, and Active Directory.

`ldap_type` is the value that `sync.directory.types` names. `client` asks the server: asyncio
reaches it and speaks TLS (`transport`), libldap speaks LDAP over that in a thread (`search`,
`password`).
"""
