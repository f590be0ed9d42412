<?php

/*
 * A small Application Integration server: it lists a company's users and checks their passwords.
 *
 *     php -S 127.0.0.1:8080 directory.php
 *
 * Environment: DIRECTORY_STATE is a JSON file {"bom": bool, "users": [{"userName": ...,
 * "distinguishedName": ..., "fullName": ..., "emailAddresses": [...], "passwordHash": ...}]}, read
 * for each request; DIRECTORY_USER and DIRECTORY_PASSWORD are the service's own credentials.
 */

declare(strict_types=1);

const BYTE_ORDER_MARK = "\xEF\xBB\xBF";

function answer(mixed $value, bool $bom): never
{
    header('Content-Type: text/json; charset=utf8');
    echo $bom ? BYTE_ORDER_MARK : '';
    echo json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE);
    exit;
}

function refuse(int $status, string $header = ''): never
{
    http_response_code($status);
    if ($header !== '') {
        header($header);
    }
    exit;
}

function publicPart(array $user): array
{
    unset($user['passwordHash']);

    return $user;
}

function accepts(array $users, string $userName, string $password): bool
{
    foreach ($users as $user) {
        if ($user['userName'] === $userName) {
            return password_verify($password, $user['passwordHash'] ?? '');
        }
    }

    return false;
}

if (
    !hash_equals((string) getenv('DIRECTORY_USER'), $_SERVER['PHP_AUTH_USER'] ?? '')
    || !hash_equals((string) getenv('DIRECTORY_PASSWORD'), $_SERVER['PHP_AUTH_PW'] ?? '')
) {
    refuse(401, 'WWW-Authenticate: Basic realm="directory"');
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    refuse(405, 'Allow: POST');
}

$state = json_decode(
    file_get_contents((string) getenv('DIRECTORY_STATE')),
    associative: true,
    flags: JSON_THROW_ON_ERROR,
);

switch ($_POST['cmd'] ?? '') {
    case 'list':
        answer(array_map(publicPart(...), $state['users']), $state['bom']);
    case 'auth':
        $succeeded = accepts($state['users'], $_POST['userName'] ?? '', $_POST['password'] ?? '');
        answer(['succeeded' => $succeeded], $state['bom']);
    default:
        refuse(400);
}
