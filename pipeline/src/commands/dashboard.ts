import { Command } from 'commander';
import { table } from '../output.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

type DashboardOptions = CommonOptions & { stack: Stack };

/** `mooring dashboard` */
export function dashboardCommand(): Command {
  return new Command('dashboard')
    .description('the web page of the fleet: its files, its address, who may sign in')
    .addCommand(publishCommand())
    .addCommand(urlCommand())
    .addCommand(usersCommand());
}

/** `mooring dashboard publish` */
function publishCommand(): Command {
  return withStack(new Command('publish'))
    .description('upload the page as it is built, and where its cloud is; only what changed')
    .action(async (options: DashboardOptions) => {
      const { publishDashboard } = await import('../dashboard/publish.js');
      const { out, ownTarget } = contextOf(options);
      const published = await publishDashboard(await ownTarget());
      const { written, unchanged, url } = published;
      out.line(
        written.length === 0
          ? `Nothing changed: ${unchanged} files are as they should be`
          : `${written.length} files written, ${unchanged} unchanged`,
      );
      out.line(`Dashboard: ${url}`);
      out.data(published);
    });
}

/** `mooring dashboard url` */
function urlCommand(): Command {
  return withStack(new Command('url'))
    .description('the address of the dashboard')
    .action(async (options: DashboardOptions) => {
      const { dashboardUrl } = await import('../dashboard/cloud.js');
      const { accountOf } = await import('../target.js');
      const { out, target } = contextOf(options);
      const url = await dashboardUrl(target(), await accountOf(target()));
      out.line(url);
      out.data({ url });
    });
}

/** `mooring dashboard users` */
function usersCommand(): Command {
  return new Command('users')
    .description('who may sign in to the dashboard')
    .addCommand(listUsersCommand())
    .addCommand(addUserCommand())
    .addCommand(removeUserCommand());
}

function listUsersCommand(): Command {
  return withStack(new Command('list'))
    .description('everybody who may sign in, and what they may do')
    .action(async (options: DashboardOptions) => {
      const { withDashboardUsers } = await import('../dashboard/users.js');
      const { out, target } = contextOf(options);
      const users = await withDashboardUsers(target(), (all) => all.list());
      out.line(
        users.length === 0
          ? 'Nobody may sign in: `mooring dashboard users add NAME --operator` makes a user'
          : table(
              ['USER', 'ROLE', 'STATUS', 'CREATED'],
              users.map(({ name, role, status, enabled, created }) => [
                name,
                role,
                enabled ? status : 'disabled',
                created ?? '-',
              ]),
            ),
      );
      out.data(users);
    });
}

function addUserCommand(): Command {
  return withStack(new Command('add'))
    .description('make a user, who looks, and with --operator acts as well')
    .argument('<name>', 'the name to sign in with')
    .option('--operator', 'may set frequencies, press buttons, rotate certificates, allow and remove devices')
    .action(async (name: string, options: DashboardOptions & { operator?: true }) => {
      const { withDashboardUsers } = await import('../dashboard/users.js');
      const { out, ownTarget } = contextOf(options);
      const role = options.operator ? 'operator' : 'viewer';
      const password = await withDashboardUsers(await ownTarget(), (users) => users.add(name, role));
      out.line(`User ${name} (${role}) made. Password for the first sign-in, within 7 days: ${password}`);
      out.data({ name, role, password });
    });
}

function removeUserCommand(): Command {
  return withStack(new Command('remove'))
    .description('delete a user; who is signed in loses access within the hour')
    .argument('<name>', 'the name to sign in with')
    .action(async (name: string, options: DashboardOptions) => {
      const { withDashboardUsers } = await import('../dashboard/users.js');
      const { out, ownTarget } = contextOf(options);
      await withDashboardUsers(await ownTarget(), (users) => users.remove(name));
      out.line(`User ${name} removed`);
      out.data({ removed: name });
    });
}
