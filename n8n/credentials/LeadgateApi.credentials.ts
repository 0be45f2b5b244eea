import type {
	IAuthenticateGeneric,
	ICredentialTestRequest,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

/** The token of a leadgate_api block: destinations, dead letters, ads and contacts of one tenant. */
export class LeadgateApi implements ICredentialType {
	name = 'leadgateApi';

	displayName = 'Leadgate API';

	icon: Icon = { light: 'file:../icons/leadgate.svg', dark: 'file:../icons/leadgate.dark.svg' };

	documentationUrl = 'https://github.com/leadgate/leadgate/blob/main/docs/api.md';

	properties: INodeProperties[] = [
		{
			displayName: 'URL',
			name: 'url',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'https://bots.example.com/api',
			description: 'The path of the leadgate_api block in the Caddyfile, without its star',
		},
		{
			displayName: 'Token',
			name: 'token',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'What stands after token in the leadgate_api block',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.token}}' } },
	};

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.url.trim().replace(/[\\/*]+$/, "")}}',
			url: '/destinations',
			headers: { Accept: 'application/json' },
		},
	};
}
