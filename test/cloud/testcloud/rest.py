"""Just enough of an HTTP client for OpenStack's APIs."""
import json
import urllib.error
import urllib.request

from .console import TestcloudError

# The cloud is on this machine: a proxy from the environment must not be asked.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
COMPUTE_VERSION = '2.96'


def call(method, url, body=None, token=None, headers=None, seconds=60):
    """One request; answers (status, headers with lower-case names, decoded body)."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    sent = {'Content-Type': 'application/json', 'Accept': 'application/json', **(headers or {})}
    if token:
        sent['X-Auth-Token'] = token
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with _opener.open(request, timeout=seconds) as response:
            return _answer(response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error)


def _answer(status, response):
    raw = response.read()
    headers = {name.lower(): value for name, value in response.headers.items()}
    if raw and 'json' in headers.get('content-type', ''):
        return status, headers, json.loads(raw)
    return status, headers, raw.decode(errors='replace')


class Client:
    """Calls as one user in one project, or in another scope. For one thread only."""

    def __init__(self, cloud, user='admin', project='admin', scope=None):
        self.cloud, self.user = cloud, user
        self._scope = scope or {'project': {'name': project, 'domain': {'id': 'default'}}}
        self._token = None

    def token(self):
        if not self._token:
            status, headers, body = call('POST', self.cloud.url('keystone') + '/v3/auth/tokens', {'auth': {
                'identity': {'methods': ['password'], 'password': {'user': {
                    'name': self.user, 'domain': {'id': 'default'}, 'password': self.cloud.password}}},
                'scope': self._scope}})
            if status != 201:
                raise ConnectionError(f'no token for {self.user}: {status} {body}')
            self._token = headers['x-subject-token']
        return self._token

    def request(self, service, method, path, body=None, headers=None, version=COMPUTE_VERSION):
        """A call to a service's own port; answers (status, body) whatever the status is."""
        sent = {'OpenStack-API-Version': f'compute {version}'} if service == 'nova' else {}
        status, _, answer = call(method, self.cloud.url(service) + path, body, self.token(), {**sent, **(headers or {})})
        return status, answer

    def must(self, service, method, path, body=None, headers=None, version=COMPUTE_VERSION):
        """As request(), but a status outside 2xx is an error."""
        status, answer = self.request(service, method, path, body, headers, version)
        if not 200 <= status < 300:
            raise TestcloudError(f'{method} {service}{path} as {self.user}: {status} {answer}')
        return answer
